"""What a batch needs of recommendations: who came by whom, loaded and written at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from flows.introductions import customer_of
from loyalty.events import EventType
from loyalty.programme import Programme
from loyalty.referrals import KNOWN_BEFORE, Bought, Crowd, Person, Referral
from loyalty.store import referrals
from loyalty.store.inbox import Claimed
from loyalty.store.referrals import Trait


@dataclass(slots=True)
class ReferralPapers:
    """Recommendations of one transaction.

    Attributes:
        known: By friend, those of this batch too.
        owners: Who recommends, by code.
        crowds: How many others came the same way, by event.
        bought: What friends ordered already who come by a code in this batch.
        inner: Recommendations whose two sides a merge made one person.
        seen: By what people were seen in this batch.
    """

    known: dict[UUID, Referral] = field(default_factory=dict)
    owners: dict[str, Person] = field(default_factory=dict)
    crowds: dict[int, Crowd] = field(default_factory=dict)
    bought: dict[UUID, list[Bought]] = field(default_factory=dict)
    inner: list[Referral] = field(default_factory=list)
    seen: dict[UUID, set[Trait]] = field(default_factory=dict)


def code_in(item: Claimed) -> str:
    """The code by which somebody came; empty where the event names none."""
    if item.event.type is EventType.REFERRAL_ATTACHED:
        return str(item.event.data.code).strip().lower()
    if item.event.type is EventType.CUSTOMER_CREATED:
        return (item.event.data.referred_by or "").strip().lower()
    return ""


async def load(
    connection: AsyncConnection,
    items: Sequence[Claimed],
    member_of: Mapping[int, UUID],
    *,
    now: datetime,
) -> ReferralPapers:
    """Reads what is known of the members of a batch and of the codes in it."""
    papers = ReferralPapers()
    papers.seen = _seen(items, member_of)
    papers.known = await referrals.of_friends(connection, set(member_of.values()))
    if any(item.event.type is EventType.MEMBER_MERGED for item in items):
        papers.inner = await referrals.within(connection, set(member_of.values()))
    codes = {item.id: code for item in items if (code := code_in(item))}
    papers.owners = await referrals.owners(connection, set(codes.values()))
    for one, code in codes.items():
        owner, friend = papers.owners.get(code), member_of.get(one)
        if owner is not None and friend is not None:
            seen = sorted(papers.seen.get(friend, ()))
            papers.crowds[one] = await referrals.crowd(
                connection,
                friend=friend,
                referrer=owner.id,
                networks=[value for trait, value in seen if trait == "ip"],
                now=now,
            )
    await _load_bought(connection, papers, items, member_of)
    return papers


async def _load_bought(
    connection: AsyncConnection,
    papers: ReferralPapers,
    items: Sequence[Claimed],
    member_of: Mapping[int, UUID],
) -> None:
    coming = [item for item in items if item.id in papers.crowds]
    if coming:
        friends = {member_of[item.id] for item in coming}
        since = min(item.event.time for item in coming) - KNOWN_BEFORE
        papers.bought = await referrals.bought(connection, friends, since=since)


_LATER = frozenset(
    {
        EventType.MEMBER_MERGED,
        EventType.ORDER_EDITED,
        EventType.ORDER_REFUNDED,
        EventType.ORDER_CANCELLED,
        EventType.REFERRAL_DECIDED,
    }
)


def concerns(items: Sequence[Claimed], programme: Programme) -> bool:
    """Whether a batch may be about recommendations.

    Those of a time when the programme had terms for them are taken back and decided by these.
    """
    return programme.referral is not None or any(item.event.type in _LATER for item in items)


async def save(connection: AsyncConnection, papers: ReferralPapers, *, now: datetime) -> None:
    """Writes what the desks changed; the members are locked."""
    everyone = [*papers.known.values(), *papers.inner]
    changed = [one for one in everyone if one.is_changed]
    await referrals.save(connection, changed, now=now)
    await referrals.note_traits(connection, papers.seen, now=now)


def _seen(items: Sequence[Claimed], member_of: Mapping[int, UUID]) -> dict[UUID, set[Trait]]:
    found: dict[UUID, set[Trait]] = {}
    for item in items:
        customer, member = customer_of(item.event), member_of.get(item.id)
        if customer is None or member is None:
            continue
        for trait, value in customer.traits.items():
            one = referrals.fingerprint(trait, value)
            if one is not None:
                found.setdefault(member, set()).add(one)
    return found
