"""Rewards in PostgreSQL: what members asked for, under which terms, and what became of it.

A reward is changed under its member's lock and its own; the points of one that is asked for
are held until its delivery ends (`loyalty.store.reward_ends`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.catalogue import RewardItem, Taken
from loyalty.store.bulk import insert_rows, update_rows
from loyalty.store.tables import rewards

RewardState = Literal["held", "issued", "used", "expired", "voided", "failed"]

LIVE = ("held", "issued", "used", "expired")
"""States in which a reward counts as taken: of the stock, and of what a member may have."""


HOLD = "reward:"
"""What the keys of holds and redemptions of rewards begin with."""


@dataclass(slots=True)
class Reward:
    """One reward that a member asked for.

    Attributes:
        request_key: The member and the request, so that it counts once.
        terms: The catalogue's item as it was.
        store: The connection that issues it, `shopify/main`.
        tries: How often its delivery ended and was then tried again by a person.
        used_on: `store:order id` of the order it was used on; empty where unknown.
        is_returned: Whether its points came back.
        void: Who voids it and why, also where that has to wait until it is issued.
        disable_id: The delivery that ends it in the shop.
    """

    id: UUID
    request_key: str
    member_id: UUID
    item_id: str
    item_version: int
    terms: RewardItem
    points: int
    state: RewardState
    requested_at: datetime
    origin_id: UUID | None = None
    value: Decimal | None = None
    currency: str = ""
    code: str = ""
    store: str = ""
    reason: str = ""
    delivery_id: UUID | None = None
    tries: int = 0
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    remind_at: datetime | None = None
    used_at: datetime | None = None
    used_on: str = ""
    ended_at: datetime | None = None
    is_returned: bool = False
    void: dict[str, Any] | None = None
    disable_id: UUID | None = None

    @property
    def hold_key(self) -> str:
        """The key of its hold, and of what was spent on it."""
        return f"{HOLD}{self.id}"

    def state_at(self, now: datetime) -> RewardState:
        """Its state at an instant, whether or not a job has written the expiry down."""
        is_past = self.expires_at is not None and now >= self.expires_at
        return "expired" if self.state == "issued" and is_past else self.state


_COLUMNS = tuple(column.name for column in rewards.columns)
_FIELDS = tuple(one.name for one in fields(Reward))
_FIXED = ("request_key", "item_id", "item_version", "terms", "points", "requested_at")

_LOCK = text("select * from rewards where id = any(cast(:ids as uuid[])) order by id for update")
_NAMED = text("select * from rewards where id = any(cast(:ids as uuid[])) order by id")
_OF_CODES = text("""
select r.* from rewards r
join unnest(cast(:stores as text[]), cast(:codes as text[])) as w(store, code)
on (r.store, r.code) = (w.store, w.code) where r.code <> '' order by r.id
""")
_BY_ALL = text("""
select item_id, count(*) as n from rewards
where item_id = any(cast(:items as text[])) and state = any(cast(:live as text[]))
group by item_id
""")
_BY_MEMBER = text("""
select member_id, item_id, count(*) as n from rewards
where member_id = any(cast(:members as uuid[])) and item_id = any(cast(:items as text[]))
  and state = any(cast(:live as text[])) group by member_id, item_id
""")


def next_reminder(
    item: RewardItem, expires_at: datetime | None, *, after: datetime
) -> datetime | None:
    """When the member is next reminded of a reward; None where not (any more)."""
    if expires_at is None:
        return None
    instants = [expires_at - timedelta(days=days) for days in item.reminder_days]
    return min((one for one in instants if one > after), default=None)


async def lock(connection: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Reward]:
    """The rewards with these ids, locked until the transaction ends."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = await connection.execute(_LOCK, {"ids": wanted})
    return {row.id: reward_of(row) for row in rows}


async def named(connection: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Reward]:
    """The rewards with these ids, as they are now."""
    rows = await connection.execute(_NAMED, {"ids": sorted(set(ids))})
    return {row.id: reward_of(row) for row in rows}


async def with_codes(
    connection: AsyncConnection, used: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Reward]:
    """Rewards by (store, code); codes are compared whatever their case."""
    if not used:
        return {}
    stores, codes = zip(*[(store, code.strip().upper()) for store, code in used], strict=True)
    rows = await connection.execute(_OF_CODES, {"stores": list(stores), "codes": list(codes)})
    return {(row.store, row.code): reward_of(row) for row in rows}


@dataclass(slots=True)
class TakenSoFar:
    """How many of some items are taken, by everybody and by some members."""

    by_all: dict[str, int]
    by_member: dict[tuple[UUID, str], int]

    def of(self, item: str, member: UUID) -> Taken:
        """What counts for a member who asks for an item."""
        return Taken(self.by_all.get(item, 0), self.by_member.get((member, item), 0))

    def add(self, item: str, member: UUID, number: int = 1) -> None:
        """Counts one more, or one that was given back."""
        self.by_all[item] = self.by_all.get(item, 0) + number
        key = (member, item)
        self.by_member[key] = self.by_member.get(key, 0) + number


async def taken(
    connection: AsyncConnection, items: Sequence[str], members: Sequence[UUID]
) -> TakenSoFar:
    """How many of these items are taken."""
    found = TakenSoFar({}, {})
    if not items:
        return found
    wanted = {"items": sorted(set(items)), "live": list(LIVE)}
    for row in await connection.execute(_BY_ALL, wanted):
        found.by_all[row.item_id] = row.n
    of_members = {**wanted, "members": sorted(set(members))}
    for row in await connection.execute(_BY_MEMBER, of_members):
        found.by_member[row.member_id, row.item_id] = row.n
    return found


async def add(connection: AsyncConnection, new: Sequence[Reward]) -> None:
    """Writes rewards that are new."""
    await insert_rows(connection, rewards, [_row(one) for one in new])


async def change(connection: AsyncConnection, changed: Sequence[Reward]) -> None:
    """Writes what became of rewards that this transaction has locked."""
    rows = [
        {name: value for name, value in _row(one).items() if name not in _FIXED} for one in changed
    ]
    await update_rows(connection, rewards, "id", rows)


_RETURNED = text("""
update rewards set is_returned = true where id = any(cast(:ids as uuid[])) and not is_returned
""")


async def note_returned(connection: AsyncConnection, keys: Iterable[str]) -> None:
    """Notes that the points of rewards came back, by the keys of what was spent on them."""
    ids = [UUID(key.removeprefix(HOLD)) for key in keys if key.startswith(HOLD)]
    if ids:
        await connection.execute(_RETURNED, {"ids": sorted(ids)})


def reward_of(row: Any) -> Reward:
    """A reward from its row."""
    values = {name: getattr(row, name) for name in _FIELDS}
    return Reward(**{**values, "terms": RewardItem.model_validate(row.terms)})


def _row(one: Reward) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in _COLUMNS}
    return {**values, "terms": one.terms.model_dump(mode="json", exclude_defaults=True)}
