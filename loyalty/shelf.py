"""A member's lots in the order they are used, with running sums.

A member can have thousands of open lots and each event asks for the balance: sums are kept
while lots change and order is made once, both for the instant that was asked about last.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from loyalty import expiry as dates
from loyalty.points import Allocation, Lot
from loyalty.policies import ExpiryPolicy

Consume = Literal["soonest_expiry", "fifo"]
ExpiryOf = Callable[[Lot], datetime | None]


@dataclass(slots=True)
class Lifetimes:
    """How long lots live under a policy.

    Attributes:
        since: When the policy came into force.
        whole: When the whole balance lapses by inactivity.
    """

    policy: ExpiryPolicy
    zone: ZoneInfo
    since: datetime | None = None
    whole: datetime | None = None

    def end_of(self, lot: Lot) -> datetime | None:
        """When a lot's points are gone: by its own day, else by today's policy."""
        if lot.expires_at is not None or self.policy.mode == "none":
            return lot.expires_at
        if self.policy.mode != "inactivity_months":
            return dates.effective_expiry(
                self.policy,
                self.zone,
                earned_at=lot.earned_at,
                available_at=lot.available_at,
                since=self.since,
            )
        if self.whole is None or lot.earned_at >= self.whole:
            return dates.gone_at(self.policy, lot.earned_at, self.zone)
        return self.whole


class Shelf:
    """Lots by sale, by id and in order of use; every change of a lot goes through here."""

    def __init__(self, lots: Iterable[Lot], *, expiry_of: ExpiryOf, consume: Consume) -> None:
        self.lots: list[Lot] = []
        self.by_id: dict[UUID, Lot] = {}
        self.allocations: list[Allocation] = []
        self.held = 0
        self._by_sale: dict[str, list[Lot]] = {}
        self._expiry_of = expiry_of
        self.consume = consume
        self._order: list[Lot] | None = None
        self._at: datetime | None = None
        self._spendable = self._pending = 0
        for lot in lots:
            self.add(lot)

    def add(self, lot: Lot) -> None:
        """Puts a lot on the shelf."""
        self.lots.append(lot)
        self.by_id[lot.id] = lot
        self.held += lot.held
        if lot.sale:
            self._by_sale.setdefault(lot.sale, []).append(lot)
        if self._order is not None:
            insort(self._order, lot, key=self._rank)
        self._count(lot, lot.free)

    def forget(self, gone: Iterable[Lot]) -> None:
        """Takes lots away that now are another's."""
        ids = {lot.id for lot in gone}
        kept = [lot for lot in self.lots if lot.id not in ids]
        self.lots, self.by_id, self._by_sale, self.held = [], {}, {}, 0
        self.recount()
        for lot in kept:
            self.add(lot)

    def recount(self) -> None:
        """Forgets sums and order: what they depend on has changed."""
        self._order = self._at = None

    def of_sale(self, sale: str) -> list[Lot]:
        """The sale's lots, used-up ones as well."""
        return self._by_sale.get(sale, []) if sale else []

    def sums(self, now: datetime) -> tuple[int, int]:
        """Points that are spendable and pending at the instant, without held ones."""
        if self._at != now:
            self._at, self._spendable, self._pending = now, 0, 0
            for lot in self.lots:
                if lot.remaining:
                    self._count(lot, lot.free)
        return self._spendable, self._pending

    def is_expired(self, lot: Lot, now: datetime) -> bool:
        """Whether its day has passed; exactly at the instant it has."""
        expiry = self._expiry_of(lot)
        return expiry is not None and expiry <= now

    def is_spendable(self, lot: Lot, now: datetime) -> bool:
        """Whether its points can be used at the instant."""
        return lot.available_at <= now and not self.is_expired(lot, now)

    def usable(self, now: datetime) -> Iterator[Lot]:
        """Lots with points that can be spent at the instant, in the order of use."""
        for lot in self._in_order():
            if lot.free and self.is_spendable(lot, now):
                yield lot

    def in_order(self, lots: Iterable[Lot]) -> list[Lot]:
        """These lots in the order of use."""
        return sorted(lots, key=self._rank)

    def take(self, points: int, lots: Iterable[Lot], *, entry_id: UUID, posted_at: datetime) -> int:
        """Takes up to so many free points of the lots in turn; returns how many it got."""
        left = points
        for lot in lots:
            if left == 0:
                break
            part = min(left, lot.free)
            if part:
                self.move(lot, -part, entry_id=entry_id, posted_at=posted_at)
                left -= part
        return points - left

    def move(self, lot: Lot, points: int, *, entry_id: UUID, posted_at: datetime) -> None:
        """Adds to what is left of a lot, or takes from it, and writes it in the journal."""
        lot.remaining += points
        lot.is_changed = True
        self._count(lot, points)
        self.allocations.append(Allocation(entry_id, lot.id, -points, posted_at))
        if points > 0:
            self._order = None

    def hold(self, lot: Lot, points: int) -> None:
        """Sets points of a lot aside, or (negative) lets them go."""
        lot.held += points
        lot.is_changed = True
        self.held += points
        self._count(lot, -points)

    def _count(self, lot: Lot, points: int) -> None:
        if self._at is None or self.is_expired(lot, self._at):
            return
        if lot.available_at <= self._at:
            self._spendable += points
        else:
            self._pending += points

    def _in_order(self) -> list[Lot]:
        if self._order is None:
            self._order = self.in_order(lot for lot in self.lots if lot.remaining)
        else:
            used = 0
            while used < len(self._order) and not self._order[used].remaining:
                used += 1
            del self._order[:used]
        return self._order

    def _rank(self, lot: Lot) -> tuple[Any, ...]:
        age = (lot.earned_at, lot.available_at, lot.id)
        if self.consume == "fifo":
            return age
        expiry = self._expiry_of(lot)
        # Those that never expire come last, by age.
        return (expiry is None, expiry or lot.earned_at, *age)
