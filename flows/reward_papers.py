"""What a batch needs of the catalogue and of rewards, loaded and written at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.events import Event, EventType, Order
from loyalty.reward_events import step_of
from loyalty.store import books, catalogue, inbox, redemptions, reward_issuings, rewards
from loyalty.store.catalogue import CatalogueItem
from loyalty.store.inbox import Claimed
from loyalty.store.redemptions import Redeemed
from loyalty.store.reward_issuings import Issuing
from loyalty.store.rewards import Reward, TakenSoFar

STEPS = (
    EventType.REWARD_ISSUED,
    EventType.REWARD_FAILED,
    EventType.REWARD_USED,
    EventType.REWARD_EXPIRED,
    EventType.REWARD_VOIDED,
)
"""Events about a reward that was asked for."""

Ending = Literal["sent", "gone", "open"]
"""What became of a reward's delivery: it is in the shop, it never will be, or nobody knows yet."""


@dataclass(slots=True)
class RewardPapers:
    """What the rewards desk looks up and writes down.

    Attributes:
        items: The catalogue's items that are asked for.
        taken: How many of them are taken.
        known: The rewards that events of the batch are about, locked.
        endings: What became of their deliveries, by reward; `begun` names those that were
            attempted, so that the shop may have the code although nothing was sent.
        shops: The connections of those deliveries, by reward: a route may be chosen only after
            the reward was asked for.
        issuing: How gift cards and credit were issued, by reward.
        spent: What was spent on each, as far as it was captured before.
        customers: The id by which a shop knows a member, by (member, store).
        used: News of codes that orders of the batch carry.
        used_on: On which sale what was spent was used, by the redemption's key.
    """

    items: dict[str, CatalogueItem] = field(default_factory=dict)
    taken: TakenSoFar = field(default_factory=lambda: TakenSoFar({}, {}))
    known: dict[UUID, Reward] = field(default_factory=dict)
    endings: dict[UUID, Ending] = field(default_factory=dict)
    begun: set[UUID] = field(default_factory=set)
    shops: dict[UUID, str] = field(default_factory=dict)
    issuing: dict[UUID, Issuing] = field(default_factory=dict)
    spent: dict[UUID, Redeemed] = field(default_factory=dict)
    customers: dict[tuple[UUID, str], str] = field(default_factory=dict)
    new: list[Reward] = field(default_factory=list)
    changed: dict[UUID, Reward] = field(default_factory=dict)
    used: list[Event] = field(default_factory=list)
    used_on: dict[str, str] = field(default_factory=dict)

    @property
    def entries(self) -> list[UUID]:
        """Entries that may be given back: their lots are needed in the books."""
        return [one.entry_id for one in self.spent.values()]

    def change(self, reward: Reward) -> None:
        """Notes that a reward has to be written."""
        if reward not in self.new:
            self.changed[reward.id] = reward


def steps_in(items: Sequence[Claimed]) -> dict[int, UUID]:
    """Which reward each event of the batch is about."""
    return {item.id: UUID(item.event.data.reward_id) for item in items if item.event.type in STEPS}


@dataclass(frozen=True, slots=True)
class Holders:
    """Whose the points of rewards are: `named` by event, and further accounts to be locked."""

    named: dict[int, UUID]
    others: set[UUID]


async def holders(connection: AsyncConnection, items: Sequence[Claimed]) -> Holders:
    """Who holds the points of the rewards that events are about: merges move holds along."""
    keys = {item: f"{rewards.HOLD}{reward}" for item, reward in steps_in(items).items()}
    wanted = sorted(set(keys.values()))
    known = await books.holds_named(connection, wanted)
    spent = await redemptions.named(connection, wanted)
    named = {item: known[key].member_id for item, key in keys.items() if key in known}
    return Holders(named, {one.member_id for one in spent})


async def load(
    connection: AsyncConnection, items: Sequence[Claimed], members: Mapping[int, UUID]
) -> RewardPapers:
    """Reads and locks what the desk needs, once the members are locked."""
    papers = RewardPapers()
    await _load_requests(connection, papers, items, members)
    steps = steps_in(items)
    papers.known = await rewards.lock(connection, steps.values())
    ending = [
        i for i in items if i.event.type in (EventType.REWARD_FAILED, EventType.REWARD_ISSUED)
    ]
    await _settle(connection, papers, {steps[item.id] for item in ending}, gives_up=False)
    voiding = {steps[i.id] for i in items if i.event.type is EventType.REWARD_VOIDED}
    await _settle(connection, papers, voiding, gives_up=True)
    papers.issuing = await reward_issuings.of(connection, list(papers.known.values()))
    keys = {one.hold_key: one.id for one in papers.known.values()}
    for found in await redemptions.named(connection, list(keys)):
        papers.spent[keys[found.key]] = found
    papers.used = await _codes_used(connection, items)
    return papers


async def _load_requests(
    connection: AsyncConnection,
    papers: RewardPapers,
    items: Sequence[Claimed],
    members: Mapping[int, UUID],
) -> None:
    asked = [item for item in items if item.event.type is EventType.REWARD_REQUESTED]
    if not asked:
        return
    wanted = sorted({item.event.data.item for item in asked})
    who = sorted({members[item.id] for item in asked if item.id in members})
    await catalogue.lock_stock(connection, wanted)
    papers.items = await catalogue.named(connection, wanted)
    papers.taken = await rewards.taken(connection, wanted, who)
    for row in await connection.execute(_CUSTOMERS, {"ids": who}):
        papers.customers[row.member_id, row.store] = row.value


_CUSTOMERS = text("""
select member_id, store, max(value) as value from identities
where member_id = any(cast(:ids as uuid[])) and kind = 'customer' group by member_id, store
""")

# A delivery that ended without being sent is closed for good here, so that nobody sends it again
# once its points are free; a void also closes one that only waits for its turn. One whose outcome
# is unknown stays as it is: a person has to say first whether the shop did it.
_CLOSE = text("""
update deliveries set state = 'cancelled', owner = '', lease_until = null,
    reason = case when state = 'cancelled' then reason else left('given up: ' || reason, 500) end
where id = any(cast(:ids as uuid[])) and (state = any(cast(:ended as text[]))
    or (cast(:gives_up as boolean) and state in ('pending', 'parked', 'held')
        and owner = ''))
""")
_STATES = text("""
select id, state, attempts, connector, connection from deliveries
where id = any(cast(:ids as uuid[]))
""")
_NEVER = ("dead", "suppressed", "cancelled")


async def _settle(
    connection: AsyncConnection, papers: RewardPapers, ids: set[UUID], *, gives_up: bool
) -> None:
    """Finds out what became of the deliveries of rewards that are held."""
    held = [papers.known[one] for one in sorted(ids) if one in papers.known]
    of = {one.delivery_id: one.id for one in held if one.state == "held" and one.delivery_id}
    if not of:
        return
    wanted = {"ids": sorted(of), "ended": list(_NEVER), "gives_up": gives_up}
    await connection.execute(_CLOSE, wanted)
    for row in await connection.execute(_STATES, {"ids": sorted(of)}):
        reward = of[row.id]
        papers.endings[reward] = (
            "sent" if row.state == "sent" else "gone" if row.state == "cancelled" else "open"
        )
        if row.attempts:
            papers.begun.add(reward)
        if row.connector:
            papers.shops[reward] = f"{row.connector}/{row.connection}"


async def _codes_used(connection: AsyncConnection, items: Sequence[Claimed]) -> list[Event]:
    """The events of codes that orders of the batch carry, whoever the orders are of."""
    orders = [
        item.event
        for item in items
        if isinstance(item.event.data, Order) and item.event.data.codes and not _is_trial(item)
    ]
    carried = [(event, code) for event in orders for code in event.data.codes]
    found = await rewards.with_codes(connection, [(e.store, code) for e, code in carried])
    told = []
    for event, code in carried:
        reward = found.get((event.store, code.strip().upper()))
        if reward is not None:
            key = f"{reward.id}:{event.data.id}"
            used = step_of(
                reward, EventType.REWARD_USED, key=key, at=event.time, order_id=event.data.id
            )
            told.append(used.model_copy(update={"store": event.store}))
    return told


def _is_trial(item: Claimed) -> bool:
    order: Order = item.event.data
    return order.is_test


async def save(
    connection: AsyncConnection, papers: RewardPapers, returned: Sequence[str], *, now: datetime
) -> None:
    """Writes what the desk put down; entries, holds and redemptions are written already.

    Args:
        returned: Keys of redemptions whose points came back, those of rewards among them.
    """
    await rewards.add(connection, papers.new)
    await rewards.change(connection, list(papers.changed.values()))
    await redemptions.note_used(connection, papers.used_on)
    await rewards.note_returned(connection, returned)
    await inbox.emit(connection, papers.used, now=now)
