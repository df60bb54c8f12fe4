"""What the consents desk looks up and writes down: requests, reviews, suppressions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.events import Channel, EventType
from loyalty.messaging_policy import DoubleOptIn
from loyalty.store import opt_ins
from loyalty.store.inbox import Claimed
from loyalty.store.opt_ins import Request, Review, Suppression

Address = tuple[str, str]

START = "start:"
"""What a consent waits for that only START from the handset lifts: this and the address."""


@dataclass(slots=True)
class ConsentPapers:
    """What there is of double opt-ins and reviews, and what is new.

    Attributes:
        asked: The latest request of each address, those of this batch too.
        confirmable: Requests that the batch's confirmations name.
        readable: Reviews that the batch's decisions name.
    """

    asked: dict[Address, Request] = field(default_factory=dict)
    confirmable: dict[UUID, Request] = field(default_factory=dict)
    readable: dict[UUID, Review] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    suppressed: list[Suppression] = field(default_factory=list)

    @property
    def addresses(self) -> list[Address]:
        """What the gate has to know of besides the addresses that events name."""
        named: list[Request | Review] = [*self.confirmable.values(), *self.readable.values()]
        return [(one.channel, one.address) for one in named]


async def begin(connection: AsyncConnection, items: Sequence[Claimed]) -> ConsentPapers:
    """Looks up what the batch's events name by an id, before the members are locked."""
    papers = ConsentPapers()
    confirmed = _ids(items, EventType.CONSENT_CONFIRMED, "request_id")
    papers.confirmable = await opt_ins.requests(connection, confirmed)
    decided = _ids(items, EventType.REVIEW_DECIDED, "review_id")
    papers.readable = await opt_ins.reviews_by_id(connection, decided)
    return papers


async def load(
    connection: AsyncConnection,
    papers: ConsentPapers,
    addresses: Collection[Address],
    *,
    policy: DoubleOptIn,
    items: Sequence[Claimed],
) -> None:
    """Looks up what was asked lately of these addresses, where that makes a difference."""
    asks = any(item.event.type is EventType.CONSENT_REQUESTED for item in items)
    wanted = [one for one in addresses if asks or policy.needed(Channel(one[0]))]
    papers.asked = await opt_ins.latest_requests(connection, wanted)


async def save(connection: AsyncConnection, papers: ConsentPapers) -> None:
    """Writes what is new."""
    await opt_ins.save_requests(connection, papers.requests)
    await opt_ins.save_reviews(connection, papers.reviews)
    await opt_ins.suppress(connection, papers.suppressed)


def named(items: Sequence[Claimed], papers: ConsentPapers) -> dict[int, UUID]:
    """Whom confirmations and decisions concern, which name nobody themselves."""
    found: dict[int, UUID] = {}
    for item in items:
        known = request_of(item, papers) or review_of(item, papers)
        if known is not None and known.member_id is not None:
            found[item.id] = known.member_id
    return found


def request_of(item: Claimed, papers: ConsentPapers) -> Request | None:
    """The request that a confirmation names."""
    if item.event.type is not EventType.CONSENT_CONFIRMED:
        return None
    found = _uuid(item.event.data.request_id)
    return papers.confirmable.get(found) if found else None


def review_of(item: Claimed, papers: ConsentPapers) -> Review | None:
    """The review that a decision names."""
    if item.event.type is not EventType.REVIEW_DECIDED:
        return None
    found = _uuid(item.event.data.review_id)
    return papers.readable.get(found) if found else None


def _ids(items: Sequence[Claimed], kind: EventType, name: str) -> list[UUID]:
    named = [getattr(item.event.data, name) for item in items if item.event.type is kind]
    return sorted({found for one in named if (found := _uuid(one)) is not None})


def _uuid(told: str) -> UUID | None:
    try:
        return UUID(told)
    except ValueError:
        return None
