"""What the books hold of one event or sale: all that is needed to explain it, years later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from loyalty.programme import Programme
from loyalty.sales import Sale


@dataclass(frozen=True, slots=True)
class PastEvent:
    """An event as stored, and how it ended. `outcome` is None where no rule was asked."""

    id: int
    store: str
    type: str
    key: str
    subject: str
    occurred_at: datetime
    done_at: datetime | None
    state: str
    reason: str
    data: Mapping[str, Any]
    member_id: str
    outcome: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class PastEntry:
    """A line of the ledger that belongs to the story."""

    event_id: int | None
    kind: str
    points: int
    rule: str
    reason: str
    occurred_at: datetime
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class LotSums:
    """What is left of a sale's own points, of all its lots."""

    points: int = 0
    remaining: int = 0
    held: int = 0
    expired: int = 0
    pending: int = 0


@dataclass(frozen=True, slots=True)
class Story:
    """An event, what came of it, and for a sale what became of it since.

    Attributes:
        later: Events that changed the sale, in the order in which they were booked.
        documents: The rules of the decision, as they were.
        programme: The programme of the decision; None where it is not kept.
    """

    event: PastEvent
    sale: Sale | None
    entries: Sequence[PastEntry]
    lots: LotSums
    later: Sequence[PastEvent] = ()
    documents: Sequence[Mapping[str, Any]] | None = None
    programme: Programme | None = None
    published: Mapping[str, Any] = field(default_factory=dict)
