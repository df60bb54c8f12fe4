"""A member's books as they lie open: what they say at an instant, and what time brings.

Points become spendable and expire by comparison of instants; `lapse` and `settle` only write
down what is true already. `loyalty.book` adds what people do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from loyalty import expiry as dates
from loyalty.points import Allocation, Balance, Debt, Entry, EntryKind, Hold, Lot, Move, Posting
from loyalty.policies import ExpiryPolicy
from loyalty.shelf import Consume, Lifetimes, Shelf

MakeId = Callable[[], UUID]

_NEVER = ExpiryPolicy()


class OpenBook:
    """One member's books, as far as they are open, and what was added to them.

    Attributes:
        total: The sum of the member's entries.
        entries: Those added since the book was opened.
        moves: Accounts whose lots were taken over, for the store.

    Call `lapse` when the book is opened and once more before it is written.
    """

    def __init__(  # noqa: PLR0913 - a book has so many parts, all but one with a default
        self,
        member_id: UUID,
        total: int = 0,
        lots: Iterable[Lot] = (),
        debts: Iterable[Debt] = (),
        holds: Iterable[Hold] = (),
        *,
        expiry: ExpiryPolicy = _NEVER,
        zone: ZoneInfo | str = "UTC",
        expiry_since: datetime | None = None,
        last_activity: datetime | None = None,
        consume: Consume = "soonest_expiry",
    ) -> None:
        self.member_id = member_id
        self.total = total
        self.debts = list(debts)
        self.holds = {hold.key: hold for hold in holds}
        self.expiry = expiry
        self.zone = ZoneInfo(zone) if isinstance(zone, str) else zone
        self.expiry_since = expiry_since
        self._last_activity = last_activity
        self.entries: list[Entry] = []
        self.moves: list[Move] = []
        self._lapsed_at: datetime | None = None
        self._settled_at: datetime | None = None
        # Shared with the shelf: if it held the book instead, only the garbage collector would
        # free them, and a batch opens hundreds.
        self._lifetimes = Lifetimes(expiry, self.zone, expiry_since)
        self._lifetimes.whole = self._whole_balance_lapses_at()
        self._shelf = Shelf(lots, expiry_of=self._lifetimes.end_of, consume=consume)

    def load(
        self,
        *,
        lots: Iterable[Lot] = (),
        debts: Iterable[Debt] = (),
        holds: Iterable[Hold] = (),
    ) -> None:
        """Lays in what the store has, before anything is added."""
        for lot in lots:
            self._shelf.add(lot)
        self.debts.extend(debts)
        self.holds.update((hold.key, hold) for hold in holds)

    # --- reading

    @property
    def last_activity(self) -> datetime | None:
        """From when a balance that lapses by inactivity lives on (see `touch`)."""
        return self._last_activity

    @last_activity.setter
    def last_activity(self, at: datetime | None) -> None:
        self._last_activity = at
        if self.expiry.mode == "inactivity_months":
            self._lifetimes.whole = self._whole_balance_lapses_at()
            self._shelf.recount()
            self._lapsed_at = None

    @property
    def lots(self) -> list[Lot]:
        """All lots that were loaded or added; used-up ones may be among them."""
        return self._shelf.lots

    @property
    def allocations(self) -> list[Allocation]:
        """What was taken from lots or given back into them since the book was opened."""
        return self._shelf.allocations

    @property
    def debt(self) -> int:
        """Points owed: taken back after they were spent. Points earned pay it first."""
        return sum(one.remaining for one in self.debts)

    @property
    def held(self) -> int:
        """Points set aside by holds."""
        return self._shelf.held

    def balance(self, now: datetime) -> Balance:
        """The balance at the instant, whether or not what time has brought is written down."""
        spendable, pending = self._shelf.sums(now)
        if self.debts and self.debt and now != self._lapsed_at:
            return self._looking_ahead(now)
        return Balance(spendable - self.debt, pending, self.held)

    def available(self, now: datetime) -> int:
        """Points that can be spent at the instant; negative while points are owed."""
        return self.balance(now).available

    def pending(self, now: datetime) -> int:
        """Points that are earned and cannot be spent yet."""
        return self.balance(now).pending

    def expired_of(self, sale: str) -> int:
        """How many points of the sale's lots have expired so far."""
        return sum(lot.expired for lot in self._shelf.of_sale(sale))

    def expiry_of(self, lot: Lot) -> datetime | None:
        """When a lot's points are gone: by its own day, else by today's policy."""
        return self._lifetimes.end_of(lot)

    def expiry_for(self, *, earned_at: datetime, available_at: datetime) -> datetime | None:
        """The day of their own for points earned then, under today's policy (for `earn`)."""
        return dates.expires_at(
            self.expiry, self.zone, earned_at=earned_at, available_at=available_at
        )

    # --- what time brings

    def touch(self, at: datetime, activity: Literal["earn", "redeem"]) -> None:
        """Notes that the member did something: a balance that lapses by inactivity lives on."""
        if activity not in self.expiry.activity:
            return
        if self.last_activity is None or at > self.last_activity:
            self.last_activity = at

    def lapse(self, now: datetime, make_id: MakeId) -> list[Entry]:
        """Writes down what has expired by now, after what is owed was paid in due time."""
        if self._lapsed_at == now:
            return []
        self.settle(now)
        written = []
        for lot in [one for one in self.lots if one.free and self._shelf.is_expired(one, now)]:
            written.append(self._expire(lot, now, make_id()))
        self._lapsed_at = now
        return written

    def settle(self, now: datetime) -> int:
        """Pays what is owed from points that were spendable meanwhile; returns how many.

        A lot pays at the instant it became spendable, so that it makes no difference how often
        the book was opened in between, even where the lot has expired by now.
        """
        paid = 0
        if self.debts and self.debt:
            free = [lot for lot in self.lots if lot.free and lot.available_at <= now]
            due = self._shelf.in_order(free)
            for debt in self.debts:
                paid += self._pay(debt, self._payers(debt, due), now)
        self._settled_at = now
        return paid

    # --- how it is done

    def _enter(self, kind: EntryKind, points: int, posting: Posting) -> Entry:
        if posting.origin_id is None:
            posting = replace(posting, origin_id=self.member_id)
        entry = Entry(self.member_id, kind, points, posting)
        self.entries.append(entry)
        self.total += points
        return entry

    def _take(self, points: int, lots: Iterable[Lot], posting: Posting) -> int:
        return self._shelf.take(
            points, lots, entry_id=posting.entry_id, posted_at=posting.posted_at
        )

    def _move(self, lot: Lot, points: int, posting: Posting) -> None:
        self._shelf.move(lot, points, entry_id=posting.entry_id, posted_at=posting.posted_at)

    def _owe(self, points: int, posting: Posting) -> None:
        origin = posting.origin_id or self.member_id
        self.debts.append(
            Debt(
                posting.entry_id,
                self.member_id,
                points,
                points,
                posting.posted_at,
                origin,
                is_new=True,
            )
        )

    def _pay(self, debt: Debt, lots: Iterable[Lot], now: datetime) -> int:
        paid = self._shelf.take(debt.remaining, lots, entry_id=debt.entry_id, posted_at=now)
        if paid:
            debt.remaining -= paid
            debt.is_changed = True
        return paid

    def _expire(self, lot: Lot, now: datetime, entry_id: UUID) -> Entry:
        posting = Posting(
            key=f"expire:{lot.id}:{lot.expired}",
            event_id=None,
            occurred_at=self.expiry_of(lot) or now,
            posted_at=now,
            entry_id=entry_id,
            sale=lot.sale,
            origin_id=lot.origin_id or self.member_id,
        )
        points = lot.free
        entry = self._enter(EntryKind.EXPIRE, -points, posting)
        self._move(lot, -points, posting)
        lot.expired += points
        return entry

    def _payers(self, debt: Debt, due: list[Lot]) -> list[Lot]:
        """The lots that pay a debt, in turn: by when lot and debt met, then in the order of use.

        A lot that had expired before they met pays nothing.
        """
        floor = max(debt.posted_at, self._settled_at or debt.posted_at)
        met = {lot.id: max(lot.available_at, floor) for lot in due}
        good = [lot for lot in due if not self._shelf.is_expired(lot, met[lot.id])]
        return sorted(good, key=lambda lot: met[lot.id])

    def _looking_ahead(self, now: datetime) -> Balance:
        """The balance as `lapse` would leave it, on copies."""
        ahead = OpenBook(
            self.member_id,
            self.total,
            [copy(lot) for lot in self.lots],
            [copy(debt) for debt in self.debts],
            expiry=self.expiry,
            zone=self.zone,
            expiry_since=self.expiry_since,
            last_activity=self.last_activity,
            consume=self._shelf.consume,
        )
        ahead._settled_at = self._settled_at
        ahead.settle(now)
        spendable, pending = ahead._shelf.sums(now)
        return Balance(spendable - ahead.debt, pending, self.held)

    def _whole_balance_lapses_at(self) -> datetime | None:
        if self.expiry.mode != "inactivity_months":
            return None
        return dates.lapses_at(
            self.expiry, self.zone, last_activity=self.last_activity, since=self.expiry_since
        )
