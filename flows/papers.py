"""What a batch needs of holds, redemptions, adjustments and merges, loaded and written at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from flows import reward_papers
from flows.reward_papers import RewardPapers
from loyalty.campaigns import Invitation
from loyalty.events import Customer, EventType, MemberMerge, MessageReport
from loyalty.points import Hold
from loyalty.store import (
    accounts,
    adjustments,
    books,
    engagement,
    erasure,
    holds,
    invitations,
    people,
    redemptions,
)
from loyalty.store.accounts import Bonus, Merge, Sums
from loyalty.store.adjustments import Asked
from loyalty.store.inbox import Claimed
from loyalty.store.invitations import Claim
from loyalty.store.people import Identity
from loyalty.store.redemptions import Redeemed

HOLD = "hold:"
"""What the end of a hold waits for: this and the hold's key."""
ADJUSTMENT = "adjustment:"
"""What an approval waits for that comes before the asking: this and the adjustment's key."""
APPROVAL = "approval:"
"""What an adjustment waits for that a second person has to agree to: this and its key."""

ENDS_HOLD = (EventType.REWARD_CAPTURED, EventType.REWARD_RELEASED)
MOVES_ACCOUNTS = (EventType.MEMBER_MERGED, EventType.MEMBER_UNMERGED)
ABOUT_ACCOUNTS = (*MOVES_ACCOUNTS, EventType.MEMBER_ERASED)
"""What is booked alone: it changes whose things are whose."""


def hold_key(item: Claimed) -> str:
    """The key of the hold that an event makes or ends."""
    data = item.event.data
    return f"{item.event.store}:{getattr(data, 'hold_id', None) or data.id}"


def adjustment_key(item: Claimed) -> str:
    """The key of the adjustment that an event asks for or approves."""
    data = item.event.data
    return f"{item.event.store}:{getattr(data, 'adjustment_id', None) or data.id}"


def named_by_hub(item: Claimed) -> str:
    """The delivery whose link somebody opened; empty for all other events."""
    data = item.event.data
    is_ours = item.event.store == engagement.HUB and isinstance(data, MessageReport)
    return data.vendor_message_id if is_ours else ""


@dataclass(slots=True)
class Parting:
    """What has to be known to undo a merge."""

    merge: Merge
    origins: frozenset[UUID]
    is_mixed: bool
    source_sums: Sums
    holder_sums: Sums


@dataclass(frozen=True, slots=True)
class Erased:
    """Whom to forget: as the event names the person, and their account where there is one."""

    event_id: int
    store: str
    customer: Customer
    member_id: UUID | None


@dataclass(slots=True)
class Papers:
    """What the desks that sell nothing look up and write down.

    Attributes:
        named: Whom events concern that name nobody themselves.
        others: Further accounts that have to be locked.
        holds: By key, ended ones as well, those of this batch too.
        refused_holds: Keys of holds that never came to be.
        used_on: What was redeemed on the orders of this batch, by sale.
        sides: For merges: (source, target), as far as they are known.
        identities: Keys that a merge gives to the one account that is known.
        invitations: Those that are claimed, and those of people who sign up.
        invited_by: The invitations of whoever signs up, by event.
        claimants: Who was paid for joining, of those concerned.
        claims: Who is paid for it now.
    """

    named: dict[int, UUID] = field(default_factory=dict)
    others: set[UUID] = field(default_factory=set)
    holds: dict[str, Hold] = field(default_factory=dict)
    refused_holds: set[str] = field(default_factory=set)
    used_on: dict[str, list[Redeemed]] = field(default_factory=dict)
    redeemed: list[Redeemed] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    asked: dict[str, Asked] = field(default_factory=dict)
    sides: dict[int, tuple[UUID | None, UUID | None]] = field(default_factory=dict)
    identities: dict[Identity, UUID] = field(default_factory=dict)
    families: dict[UUID, frozenset[UUID]] = field(default_factory=dict)
    welcomes: dict[UUID, list[Bonus]] = field(default_factory=dict)
    partings: dict[int, Parting] = field(default_factory=dict)
    joined: list[Merge] = field(default_factory=list)
    parted: list[tuple[Merge, UUID, frozenset[UUID]]] = field(default_factory=list)
    erased: list[Erased] = field(default_factory=list)
    invitations: dict[UUID, Invitation] = field(default_factory=dict)
    invited_by: dict[int, list[Invitation]] = field(default_factory=dict)
    claimants: set[UUID] = field(default_factory=set)
    claims: list[Claim] = field(default_factory=list)
    rewards: RewardPapers = field(default_factory=RewardPapers)

    @property
    def redeemed_entries(self) -> list[UUID]:
        """Entries of redemptions that may be given back: their lots are needed in the books."""
        used = [one.entry_id for found in self.used_on.values() for one in found]
        return [*used, *self.rewards.entries]


# --- before the members are locked ---------------------------------------------------------------


async def begin(
    connection: AsyncConnection, items: Sequence[Claimed], sales: Collection[str]
) -> Papers:
    """Finds out which accounts a batch concerns besides those that its events name.

    Args:
        sales: `store:order id` of the batch's sales.
    """
    papers = Papers()
    ends = {item.id: hold_key(item) for item in items if item.event.type in ENDS_HOLD}
    known = await books.holds_named(connection, sorted(set(ends.values())))
    papers.named |= {item: known[key].member_id for item, key in ends.items() if key in known}
    approved = {
        item.id: adjustment_key(item)
        for item in items
        if item.event.type is EventType.ADJUSTMENT_APPROVED
    }
    asked = await adjustments.find(connection, sorted(set(approved.values())))
    papers.named |= {item: asked[key].member_id for item, key in approved.items() if key in asked}
    reports = {item.id: named_by_hub(item) for item in items if named_by_hub(item)}
    owners = await engagement.members_of(connection, set(reports.values()))
    papers.named |= {item: owners[one] for item, one in reports.items() if one in owners}
    rewarded = await reward_papers.holders(connection, items)
    papers.named |= rewarded.named
    papers.others |= rewarded.others
    papers.others |= {one.member_id for one in await redemptions.used_on(connection, list(sales))}
    moving = [item for item in items if item.event.type in MOVES_ACCOUNTS]
    if moving:
        await _find_sides(connection, moving, papers)
    return papers


async def _find_sides(
    connection: AsyncConnection, moving: Sequence[Claimed], papers: Papers
) -> None:
    for item in moving:
        merge: MemberMerge = item.event.data
        found: list[UUID | None] = []
        for customer in (merge.source, merge.target):
            keys = people.identities_of(item.event.store, customer)
            known = await people.find(connection, keys)
            found.append(next((known[key] for key in keys if key in known), None))
        source, target = found
        papers.sides[item.id] = (source, target)
        papers.others |= {one for one in found if one is not None}
        owner = target or source
        if owner is not None:
            papers.named[item.id] = owner
    if papers.others:
        await accounts.lock_sales(connection, sorted(papers.others))


# --- once they are locked ------------------------------------------------------------------------


async def load(
    connection: AsyncConnection,
    papers: Papers,
    items: Sequence[Claimed],
    *,
    sales: Collection[str],
    heir_of: Mapping[UUID, UUID],
    members: Mapping[int, UUID],
) -> None:
    """Reads what the desks need, now that nobody else can change it.

    Args:
        members: Whom each event concerns.
        heir_of: Whose account each locked one is now.
    """
    about_holds = [i for i in items if i.event.type in (*ENDS_HOLD, EventType.REWARD_HELD)]
    papers.holds = await books.holds_named(connection, sorted({hold_key(i) for i in about_holds}))
    missing = {
        f"{i.event.store}:{EventType.REWARD_HELD.value}:{i.event.data.hold_id}": hold_key(i)
        for i in about_holds
        if i.event.type in ENDS_HOLD and hold_key(i) not in papers.holds
    }
    lost = await holds.refused(connection, sorted(missing))
    papers.refused_holds = {missing[key] for key in lost}
    about_adjustments = [
        i
        for i in items
        if i.event.type in (EventType.POINTS_ADJUSTED, EventType.ADJUSTMENT_APPROVED)
    ]
    keys = sorted({adjustment_key(item) for item in about_adjustments})
    papers.asked = await adjustments.find(connection, keys)
    for one in await redemptions.used_on(connection, list(sales)):
        papers.used_on.setdefault(one.used_on, []).append(one)
    papers.rewards = await reward_papers.load(connection, items, members)
    for item in items:
        if item.event.type in ABOUT_ACCOUNTS:
            await _load_accounts(connection, papers, item, heir_of)
    await _load_invitations(connection, papers, items, sorted(set(heir_of.values())))


async def _load_invitations(
    connection: AsyncConnection, papers: Papers, items: Sequence[Claimed], members: Sequence[UUID]
) -> None:
    """Those that are claimed, and those that whoever signs up has, by id at the shop or address."""
    named = [
        UUID(item.event.data.invitation_id)
        for item in items
        if item.event.type is EventType.INVITATION_CLAIMED
    ]
    joining = [item for item in items if item.event.type is EventType.CUSTOMER_CREATED]
    keys = {
        item.id: set(people.identities_of(item.event.store, item.event.data)) for item in joining
    }
    all_keys = set().union(*keys.values())
    customers = sorted((store, value) for store, kind, value in all_keys if kind == "customer")
    addresses = sorted(value for _, kind, value in all_keys if kind in ("email", "phone"))
    named += await invitations.named_by(connection, customers, addresses)
    if not named:
        return
    papers.invitations = await invitations.lock(connection, sorted(set(named)))
    papers.claimants = await invitations.claimed(connection, members)
    confirmed = await invitations.confirmed(connection, addresses)
    for item in joining:
        papers.invited_by[item.id] = [
            one
            for one in papers.invitations.values()
            if (one.store, "customer", one.shop_id) in keys[item.id]
            or (_is_at(one, keys[item.id]) and (_is_ours(item) or one.address in confirmed))
        ]


def _is_at(invitation: Invitation, keys: set[Identity]) -> bool:
    return any(
        one in keys for one in (("", kind, invitation.address) for kind in ("email", "phone"))
    )


def _is_ours(item: Claimed) -> bool:
    """Whether the address was proven to the hub itself: its own pages let nobody in before."""
    return item.event.store.partition("/")[0] in ("hub", "widget")


async def _load_accounts(
    connection: AsyncConnection, papers: Papers, item: Claimed, heir_of: Mapping[UUID, UUID]
) -> None:
    source, target = papers.sides.get(item.id, (None, None))
    if item.event.type is EventType.MEMBER_MERGED and source and target:
        for one in {heir_of[source], heir_of[target]}:
            papers.families[one] = await accounts.family(connection, one)
            papers.welcomes[one] = await accounts.welcomes(connection, papers.families[one])
    elif item.event.type is EventType.MEMBER_UNMERGED and source:
        papers.families[source] = await accounts.family(connection, source)
        papers.welcomes[source] = await accounts.welcomes(connection, papers.families[source])
        await _load_parting(connection, papers, item, source=source, holder=heir_of[source])


async def _load_parting(
    connection: AsyncConnection, papers: Papers, item: Claimed, *, source: UUID, holder: UUID
) -> None:
    merge = await accounts.merge_of(connection, source)
    if merge is None:
        return
    origins = papers.families[source]
    others = await accounts.family(connection, holder) - origins
    papers.partings[item.id] = Parting(
        merge=merge,
        origins=origins,
        is_mixed=await accounts.is_mixed(connection, holder=holder, origins=origins, merge=merge),
        source_sums=await accounts.sums(connection, origins),
        holder_sums=await accounts.sums(connection, others),
    )


# --- writing -------------------------------------------------------------------------------------


async def save(connection: AsyncConnection, papers: Papers, *, now: datetime) -> None:
    """Writes what the desks put down; entries and members are written already."""
    await redemptions.save(connection, papers.redeemed)
    await redemptions.note_returned(connection, papers.returned)
    await reward_papers.save(connection, papers.rewards, papers.returned, now=now)
    await adjustments.save(connection, papers.asked.values(), now=now)
    await invitations.save(connection, list(papers.invitations.values()))
    await invitations.note_claims(connection, papers.claims)
    if papers.identities:
        await people.claim_identities(connection, papers.identities, now=now)
    for merge in papers.joined:
        await accounts.join(connection, merge)
    for merge, holder, origins in papers.parted:
        await accounts.part(connection, merge, holder=holder, origins=origins, now=now)
    for one in papers.erased:
        ids = await accounts.family(connection, one.member_id) if one.member_id else frozenset()
        person = await erasure.traces(connection, ids)
        person.add(people.identities_of(one.store, one.customer))
        await erasure.forget(connection, person, own_events=[one.event_id])


async def arrived(connection: AsyncConnection, keys: Iterable[str]) -> list[str]:
    """Which of these that events wait for have come: holds, adjustments, approvals."""
    keys = list(keys)
    known = await books.holds_named(connection, _after(HOLD, keys))
    asked = await adjustments.find(connection, [*_after(ADJUSTMENT, keys), *_after(APPROVAL, keys)])
    there = {HOLD + key for key in known} | {ADJUSTMENT + key for key in asked}
    there |= {APPROVAL + key for key, one in asked.items() if one.state == "booked"}
    return [key for key in keys if key in there]


def _after(prefix: str, keys: Iterable[str]) -> list[str]:
    return [key.removeprefix(prefix) for key in keys if key.startswith(prefix)]
