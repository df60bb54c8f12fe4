"""A member's points: entries that only grow, lots that are used up, and what follows from both.

Pure: the book is loaded, worked on and handed back; the store writes what was added.
Invariants: total = sum of entries; sum of remaining = total + debt; debt is never negative, and
points earned pay it before they can be spent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class EntryKind(StrEnum):
    """Why points moved."""

    EARN = "earn"
    REVERSE = "reverse"
    REDEEM = "redeem"
    ADJUST = "adjust"


@dataclass(frozen=True, slots=True)
class Posting:
    """What an entry says of itself, but for the number of points.

    Attributes:
        key: The business key; a second entry with it is refused by the database.
        sale: `store:order id` of the sale it belongs to, empty for others.
        snapshot: What is needed to explain and reverse it years later.
    """

    key: str
    event_id: int
    occurred_at: datetime
    posted_at: datetime
    entry_id: UUID
    sale: str = ""
    rule: str = ""
    version: str = ""
    reason: str = ""
    snapshot: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    member_id: UUID
    kind: EntryKind
    points: int
    posting: Posting


@dataclass(slots=True)
class Lot:
    """Points earned together, and how many of them are left."""

    id: UUID
    member_id: UUID
    entry_id: UUID
    sale: str
    points: int
    remaining: int
    available_at: datetime
    expires_at: datetime | None
    is_new: bool = False
    is_changed: bool = False

    def is_spendable(self, now: datetime) -> bool:
        """Whether its points can be used at the instant; at the instant of expiry they cannot."""
        return self.available_at <= now and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class Allocation:
    """How many points of a lot an entry took."""

    entry_id: UUID
    lot_id: UUID
    points: int


@dataclass(slots=True)
class PointsBook:
    """One member's books, as far as they are open, and what was added to them."""

    member_id: UUID
    total: int
    lots: list[Lot]
    entries: list[Entry] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)
    _left: int = 0

    def __post_init__(self) -> None:
        # Kept as a running sum: a member can have thousands of lots, and each event asks.
        self._left = sum(lot.remaining for lot in self.lots)

    @property
    def debt(self) -> int:
        """Points owed: taken back after they were spent."""
        return self._left - self.total

    def available(self, now: datetime) -> int:
        """Points that can be spent at the instant; negative while points are owed."""
        return self.total - sum(lot.remaining for lot in self.lots if not lot.is_spendable(now))

    def earn(
        self,
        points: int,
        posting: Posting,
        *,
        lot_id: UUID,
        available_at: datetime,
        expires_at: datetime | None = None,
    ) -> Entry:
        """Books points earned; what is owed is paid from them first."""
        if points <= 0:
            raise ValueError("points earned are positive")
        owed = self.debt
        entry = self._enter(EntryKind.EARN, points, posting)
        lot = Lot(
            id=lot_id,
            member_id=self.member_id,
            entry_id=posting.entry_id,
            sale=posting.sale,
            points=points,
            remaining=points - min(points, max(owed, 0)),
            available_at=available_at,
            expires_at=expires_at,
            is_new=True,
        )
        self.lots.append(lot)
        self._left += lot.remaining
        return entry

    def reverse(self, points: int, posting: Posting, *, now: datetime) -> Entry:
        """Takes points back: from the sale's own lots first, then from others, the rest is owed."""
        if points <= 0:
            raise ValueError("points taken back are positive")
        own = [lot for lot in self.lots if posting.sale and lot.sale == posting.sale]
        other = [
            lot
            for lot in self.lots
            if not (posting.sale and lot.sale == posting.sale) and lot.is_spendable(now)
        ]
        entry = self._enter(EntryKind.REVERSE, -points, posting)
        left = self._take(points, in_order(own), posting.entry_id)
        self._take(left, in_order(other), posting.entry_id)
        return entry

    def redeem(self, points: int, posting: Posting, *, now: datetime) -> Entry | None:
        """Spends points, soonest to expire first; None where there are not enough."""
        if points <= 0:
            raise ValueError("points spent are positive")
        if points > self.available(now):
            return None
        entry = self._enter(EntryKind.REDEEM, -points, posting)
        usable = [lot for lot in self.lots if lot.is_spendable(now)]
        self._take(points, in_order(usable), posting.entry_id)
        return entry

    def _enter(self, kind: EntryKind, points: int, posting: Posting) -> Entry:
        entry = Entry(self.member_id, kind, points, posting)
        self.entries.append(entry)
        self.total += points
        return entry

    def _take(self, points: int, lots: Iterable[Lot], entry_id: UUID) -> int:
        for lot in lots:
            if points == 0:
                break
            taken = min(points, lot.remaining)
            if taken:
                lot.remaining -= taken
                self._left -= taken
                lot.is_changed = True
                points -= taken
                self.allocations.append(Allocation(entry_id, lot.id, taken))
        return points


def in_order(lots: Iterable[Lot]) -> list[Lot]:
    """Lots in the order they are used: soonest to expire, then oldest; never-expiring last."""
    return sorted(
        lots,
        key=lambda lot: (
            lot.expires_at is None,
            lot.expires_at or lot.available_at,
            lot.available_at,
            lot.id,
        ),
    )
