"""What the points ledger is made of: entries, lots, allocations, debts, holds.

Entries only grow. A lot is what one entry brought; what was used of it is in the journal of
allocations. A debt is a lot with the sign turned round. `loyalty.book` does the work on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID


class EntryKind(StrEnum):
    """Why points moved.

    `reverse` takes back what an order earned and `restore` gives it again; `return` brings back
    points that were spent; `write_off` lets somebody off what a refund could not take;
    `transfer` moves between accounts that were merged; `forfeit` ends an account.
    """

    EARN = "earn"
    REVERSE = "reverse"
    RESTORE = "restore"
    REDEEM = "redeem"
    RETURN = "return"
    ADJUST = "adjust"
    EXPIRE = "expire"
    WRITE_OFF = "write_off"
    TRANSFER = "transfer"
    FORFEIT = "forfeit"


@dataclass(frozen=True, slots=True)
class Posting:
    """What an entry says of itself, but for the number of points.

    Attributes:
        key: The business key; a second entry with it is refused by the database.
        event_id: The event it was booked for; None for what time alone brings.
        occurred_at: When it happened in business; `posted_at` is the hub's clock.
        sale: `store:order id` of the sale it belongs to, empty for others.
        snapshot: What is needed to explain and reverse it years later.
        origin_id: The account that the event named, before merges were followed.
        counts_at: When it counts towards tiers by earned points; None where it does not.
    """

    key: str
    event_id: int | None
    occurred_at: datetime
    posted_at: datetime
    entry_id: UUID
    sale: str = ""
    rule: str = ""
    version: str = ""
    reason: str = ""
    snapshot: dict[str, Any] = field(default_factory=dict)
    origin_id: UUID | None = None
    counts_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    member_id: UUID
    kind: EntryKind
    points: int
    posting: Posting


@dataclass(slots=True)
class Lot:
    """Points earned together, and how many of them are left.

    Attributes:
        remaining: What is left, `held` of it set aside at a checkout.
        expired: How many of it expired so far.
        earned_at: When the sale (or whatever earned them) took place.
        expires_at: The first instant at which they are gone; None where they were given no day
            of their own (today's policy may still have one, see `PointsBook.expiry_of`).
        origin_id: The account that they were earned on.
    """

    id: UUID
    member_id: UUID
    entry_id: UUID
    sale: str
    points: int
    remaining: int
    available_at: datetime
    expires_at: datetime | None
    earned_at: datetime
    held: int = 0
    expired: int = 0
    origin_id: UUID | None = None
    is_new: bool = False
    is_changed: bool = False

    @property
    def free(self) -> int:
        """What is left and not held."""
        return self.remaining - self.held


@dataclass(frozen=True, slots=True)
class Allocation:
    """How many points of a lot an entry took (positive) or gave back into it (negative)."""

    entry_id: UUID
    lot_id: UUID
    points: int
    posted_at: datetime


@dataclass(slots=True)
class Debt:
    """The part of an entry that no lot could pay yet."""

    entry_id: UUID
    member_id: UUID
    points: int
    remaining: int
    posted_at: datetime
    origin_id: UUID | None = None
    is_new: bool = False
    is_changed: bool = False


@dataclass(slots=True)
class Hold:
    """Points set aside while somebody is at the checkout, and of which lots."""

    key: str
    member_id: UUID
    points: int
    parts: list[tuple[UUID, int]]
    created_at: datetime
    reward: str = ""
    state: Literal["held", "captured", "released"] = "held"
    ended_at: datetime | None = None
    is_new: bool = False
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class Reversal:
    """What became of points that were to be taken back: taken from lots, owed, or let off."""

    taken: int
    owed: int
    written_off: int


@dataclass(frozen=True, slots=True)
class Balance:
    """A member's points at an instant; `available` is negative while points are owed."""

    available: int
    pending: int
    held: int

    @property
    def total(self) -> int:
        """All of it: the sum of the member's entries once what has expired is written down."""
        return self.available + self.pending + self.held


@dataclass(frozen=True, slots=True)
class Estate:
    """What goes from one account to another, with its own dates: lots, debts and holds.

    Attributes:
        origins: Only what was earned on these accounts; None for everything.
    """

    source: UUID
    points: int
    lots: tuple[Lot, ...]
    debts: tuple[Debt, ...]
    holds: tuple[Hold, ...]
    origins: frozenset[UUID] | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """Rows to be handed on in the store, those of used-up lots as well."""

    source: UUID
    target: UUID
    origins: frozenset[UUID] | None = None
