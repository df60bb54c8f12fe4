"""A catalogue with rewards on it, and a booking desk whose shops can issue them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flows.directory import Directory
from loyalty import reward_events
from loyalty.catalogue import RewardItem
from loyalty.events import Event
from loyalty.programme import Programme
from loyalty.store import catalogue, deliveries, delivery_lists, rewards
from loyalty.store.connections import StoredConnection
from loyalty.store.deliveries import Delivery, Outcome
from loyalty.store.rewards import Reward
from tests.flows.booking.accounts import PLAIN
from tests.flows.booking.desk import ADA, FLAT, ROUTES, Desk, paid

SHOP = "shopify/main"
SHELF_ROUTES = {
    **ROUTES,
    "coupon": (SHOP,),
    "gift_card": (SHOP,),
    "store_credit": (SHOP,),
}


def programme(**changes: Any) -> Programme:
    """A plain programme whose rewards are issued at Shopify."""
    known = FLAT.model_dump(mode="json")
    return Programme.model_validate({**known, "routes": SHELF_ROUTES, **changes})


def directory() -> Directory:
    """All routes with active connections."""
    slugs = {slug for route in SHELF_ROUTES.values() for slug in route}
    return Directory(
        {slug: StoredConnection(*slug.split("/"), "active", "", b"x", "f") for slug in slugs}
    )


def item(id: str = "five-off", **changes: Any) -> RewardItem:
    """5 EUR off for 100 points, good for 30 days."""
    plain = {"kind": "discount", "names": {"en": "5 off"}, "points": 100, "value": "5"}
    return RewardItem.model_validate({**plain, "id": id, "valid_days": 30, **changes})


@dataclass
class RewardDesk(Desk):
    """A booking desk with a catalogue."""

    programme: Programme = field(default_factory=programme)
    directory: Directory = field(default_factory=directory)

    async def offer(self, *offered: RewardItem, seen: int = 0) -> None:
        """Puts items into the catalogue."""
        async with self.database.begin() as connection:
            for one in offered:
                await catalogue.save(connection, one, seen=seen, by="anna", now=self.now)

    async def member(self, points: int = 0, who: dict[str, Any] = ADA) -> UUID:
        """A member with so many points, from an order."""
        self.rules = PLAIN
        await self.take(paid(f"{points}.00", id=f"first-{who['id']}", customer=who))
        rows = await self.rows(
            "select member_id from identities where kind = 'email' and value = :email",
            email=who["email"],
        )
        found: UUID = rows[0].member_id
        return found

    def request(self, member: UUID, wanted: str = "five-off", id: str = "r1", **more: Any) -> Event:
        """A member asks for a reward."""
        return reward_events.requested(member, wanted, request_id=id, now=self.now, **more)

    async def ask(self, member: UUID, wanted: str = "five-off", id: str = "r1", **more: Any) -> str:
        """Asks, books, and answers the code of the event's outcome."""
        event = self.request(member, wanted, id, **more)
        await self.take(event)
        rows = await self.rows(
            "select state, outcome from inbox where business_key = :key", key=event.business_key
        )
        assert rows[0].state in ("done", "refused")
        return str((rows[0].outcome or {}).get("code", ""))

    async def all(self) -> list[Reward]:
        """Every reward, in the order in which they were asked for."""
        rows = await self.rows("select id from rewards order by id")
        async with self.database.begin() as connection:
            found = await rewards.named(connection, [row.id for row in rows])
        return [found[row.id] for row in rows]

    async def the_one(self) -> Reward:
        """The only reward."""
        (found,) = await self.all()
        return found

    async def issuing(self) -> list[Delivery]:
        """Deliveries of rewards."""
        async with self.database.begin() as connection:
            found = await delivery_lists.search(connection, delivery_lists.Search(key="reward:"))
        return found[::-1]

    async def end(self, *states: str, of: Sequence[Delivery] | None = None) -> None:
        """Ends the deliveries that issue rewards, as a sender does, and books what follows."""
        found = of if of is not None else [d for d in await self.issuing() if ":issue" in d.key]
        for one, state in zip(found, states, strict=True):
            one.attempts += 1
            at = self.now
            ended = Outcome(one, state, at, at, reason="so it ended", vendor_id="v1")
            async with self.database.begin() as connection:
                await deliveries.finish(connection, [ended])
        await self.work_off()

    async def balance(self, who: dict[str, Any] = ADA) -> tuple[int, int]:
        """(available, held) after checking that books and lots add up."""
        await self.check_books()
        rows = await self.rows(
            "select coalesce(sum(l.remaining - l.held), 0) as free,"
            " coalesce(sum(l.held), 0) as held"
            " from lots l join identities i on i.member_id = l.member_id"
            " where i.kind = 'email' and i.value = :email",
            email=who["email"],
        )
        return int(rows[0].free), int(rows[0].held)
