"""Random histories: the book, opened now and then, against a model that lives every day."""

from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from loyalty.book import PointsBook
from loyalty.points import EntryKind, Hold, Posting
from tests.loyalty.points_model import Account, Pile

START = datetime(2026, 1, 1, tzinfo=UTC)
ADA, BEN = UUID(int=1), UUID(int=2)
MEMBERS = st.sampled_from([ADA, BEN])
SALES = st.sampled_from(["", "shop:1", "shop:2", "shop:3"])
POINTS = st.integers(1, 120)


class Books(RuleBasedStateMachine):
    """Two members earn, lose, spend, hold, return and are merged; time goes on in between."""

    @initialize(consume=st.sampled_from(["soonest_expiry", "fifo"]))
    def open(self, consume: Any) -> None:
        self.consume = consume
        self.numbers = itertools.count(10)
        self.day = 0
        self.books = {one: PointsBook(one, consume=consume) for one in (ADA, BEN)}
        self.model = {one: Account(is_fifo=consume == "fifo") for one in (ADA, BEN)}
        self.spent: list[tuple[UUID, UUID]] = []
        self.returned: dict[UUID, int] = {}
        self.entries: list[Any] = []
        self.journal: list[Any] = []

    @property
    def now(self) -> datetime:
        return START + timedelta(days=self.day)

    def make_id(self) -> UUID:
        return UUID(int=next(self.numbers))

    def posting(self, sale: str = "") -> Posting:
        number = next(self.numbers)
        return Posting(f"key {number}", number, self.now, self.now, UUID(int=number), sale=sale)

    def book(self, who: UUID) -> PointsBook:
        """The member's book, opened as a transaction does."""
        self.books[who].lapse(self.now, self.make_id)
        return self.books[who]

    @rule(
        who=MEMBERS,
        points=POINTS,
        sale=SALES,
        pending=st.integers(0, 4),
        lasts=st.none() | st.integers(1, 6),
        kind=st.sampled_from([EntryKind.EARN, EntryKind.RESTORE]),
    )
    def earns(
        self, who: UUID, points: int, sale: str, pending: int, lasts: int | None, kind: EntryKind
    ) -> None:
        opens, closes = self.day + pending, None if lasts is None else self.day + lasts
        lot = self.make_id()
        self.book(who).earn(
            points,
            self.posting(sale),
            lot_id=lot,
            earned_at=self.now,
            available_at=START + timedelta(days=opens),
            expires_at=None if closes is None else START + timedelta(days=closes),
            kind=kind,
        )
        self.model[who].piles.append(Pile(lot.int, sale, points, opens, closes, self.day))
        self.model[who].booked += points
        self.model[who].pay(self.day)

    @rule(
        who=MEMBERS,
        points=POINTS,
        sale=SALES,
        negative=st.sampled_from(["allow", "allow", "clamp", "own_lot_only"]),
    )
    def reverses(self, who: UUID, points: int, sale: str, negative: Any) -> None:
        found = self.book(who).reverse(
            points, self.posting(sale), now=self.now, negative=negative, make_id=self.make_id
        )
        assert found.taken + found.owed + found.written_off == points
        self.model[who].reverse(points, sale, self.day, negative)

    @rule(who=MEMBERS, points=POINTS, into_debt=st.booleans())
    def redeems(self, who: UUID, points: int, into_debt: bool) -> None:
        may = into_debt or points <= self.model[who].available(self.day)
        entry = self.book(who).redeem(points, self.posting(), now=self.now, into_debt=into_debt)
        assert (entry is not None) == may
        if entry is not None:
            self.model[who].spend(points, self.day)
            if not into_debt:
                self.spent.append((who, entry.posting.entry_id))

    @rule(who=MEMBERS, points=POINTS, negative=st.sampled_from(["refuse", "allow", "clamp"]))
    def deducts(self, who: UUID, points: int, negative: Any) -> None:
        there = max(self.model[who].available(self.day), 0)
        entry = self.book(who).deduct(points, self.posting(), now=self.now, negative=negative)
        wanted = min(points, there) if negative == "clamp" else points
        if wanted == 0 or (negative == "refuse" and wanted > there):
            assert entry is None
        else:
            assert entry is not None
            self.model[who].spend(wanted, self.day)

    @rule(who=MEMBERS, points=POINTS)
    def holds(self, who: UUID, points: int) -> None:
        may = points <= self.model[who].available(self.day)
        hold = self.book(who).hold(f"hold {next(self.numbers)}", points, self.now)
        assert (hold is not None) == may
        if hold is not None:
            self._hold(who, hold, 1)

    @precondition(lambda self: self._open_holds())
    @rule(data=st.data(), captures=st.booleans())
    def ends_a_hold(self, data: st.DataObject, captures: bool) -> None:
        who, hold = data.draw(st.sampled_from(self._open_holds()))
        book, model = self.book(who), self.model[who]
        self._hold(who, hold, -1)
        if captures:
            book.capture(hold, self.posting(), self.now)
            for lot_id, points in hold.parts:
                self._pile(who, lot_id).left -= points
            model.booked -= hold.points
        else:
            book.release(hold, self.now)
        model.dawn(self.day)

    @precondition(lambda self: self.spent)
    @rule(data=st.data(), grace=st.integers(1, 4))
    def returns(self, data: st.DataObject, grace: int) -> None:
        who, entry_id = data.draw(st.sampled_from(self.spent))
        self.spent.remove((who, entry_id))
        book, model = self.book(who), self.model[who]
        parts = [(a.lot_id, a.points) for a in self._journal() if a.entry_id == entry_id]
        if any(lot_id not in {lot.id for lot in book.lots} for lot_id, _ in parts):
            return
        until, late = self.now + timedelta(days=grace), 0
        new = self.make_id()
        book.give_back(
            parts,
            self.posting(),
            redeemed=entry_id,
            now=self.now,
            grace_until=until,
            make_id=lambda: new,
        )
        for lot_id, points in parts:
            pile = self._pile(who, lot_id)
            if pile.closes is None or pile.closes > self.day:
                pile.left += points
            else:
                late += points
        if late:
            model.piles.append(Pile(new.int, "", late, self.day, self.day + grace, self.day))
        model.booked += sum(points for _, points in parts)
        model.pay(self.day)

    @rule(source=MEMBERS)
    def merges(self, source: UUID) -> None:
        target = BEN if source == ADA else ADA
        giving, taking = self.book(source), self.book(target)
        estate, _ = giving.hand_over(self.posting())
        taking.take_over(estate, self.posting(), now=self.now)
        giver, taker = self.model[source], self.model[target]
        points = sum(p.left for p in giver.piles) - giver.owed
        taker.piles += giver.piles
        taker.owed += giver.owed
        taker.booked += points
        giver.piles, giver.owed, giver.booked = [], 0, giver.booked - points
        taker.pay(self.day)
        self.spent = [(target if who == source else who, entry) for who, entry in self.spent]

    @rule(days=st.integers(1, 5))
    def waits(self, days: int) -> None:
        for _ in range(days):
            self.day += 1
            for account in self.model.values():
                account.dawn(self.day)

    @rule(who=MEMBERS)
    def a_job_runs(self, who: UUID) -> None:
        self.book(who)

    @rule(who=MEMBERS)
    def stores_and_opens_again(self, who: UUID) -> None:
        book = self.books[who]
        self._journal()
        for lot in book.lots:
            lot.is_new = lot.is_changed = False
        self.entries += book.entries
        self.journal += book.allocations
        self.books[who] = PointsBook(
            who,
            book.total,
            book.lots,
            [debt for debt in book.debts if debt.remaining],
            [hold for hold in book.holds.values() if hold.state == "held"],
            consume=self.consume,
        )

    @invariant()
    def the_book_says_what_the_model_says(self) -> None:
        for who, model in self.model.items():
            found = self.books[who].balance(self.now)
            assert found.available == model.available(self.day)
            assert found.pending == model.pending(self.day)
            assert found.held == model.held
            assert found.total == model.booked

    @invariant()
    def everything_adds_up_once_it_is_written_down(self) -> None:
        for who, model in self.model.items():
            book = self.books[who]
            if book._lapsed_at != self.now:
                continue
            # A second `lapse`, as before writing, finds what the step itself brought to its end.
            book.lapse(self.now, self.make_id)
            entries = [*self.entries, *book.entries]
            assert book.total == sum(e.points for e in entries if e.member_id == who)
            assert book.balance(self.now).total == book.total
            assert sum(lot.remaining for lot in book.lots) == book.total + book.debt
            assert book.held == sum(lot.held for lot in book.lots)
            assert {lot.id.int: lot.remaining for lot in book.lots if lot.remaining} == {
                pile.number: pile.left for pile in model.piles if pile.left
            }

    @invariant()
    def a_lot_is_what_the_journal_left_of_it(self) -> None:
        used: dict[UUID, int] = defaultdict(int)
        for one in self._journal():
            used[one.lot_id] += one.points
        for book in self.books.values():
            for lot in book.lots:
                assert 0 <= lot.held <= lot.remaining <= lot.points
                assert lot.remaining == lot.points - used[lot.id]

    @invariant()
    def no_key_is_booked_twice(self) -> None:
        keys = [one.posting.key for one in self.entries]
        keys += [one.posting.key for book in self.books.values() for one in book.entries]
        assert len(keys) == len(set(keys))

    def _journal(self) -> list[Any]:
        return [*self.journal, *(a for book in self.books.values() for a in book.allocations)]

    def _open_holds(self) -> list[tuple[UUID, Hold]]:
        return [
            (who, hold)
            for who, book in self.books.items()
            for hold in book.holds.values()
            if hold.state == "held"
        ]

    def _pile(self, who: UUID, lot_id: UUID) -> Pile:
        return next(pile for pile in self.model[who].piles if pile.number == lot_id.int)

    def _hold(self, who: UUID, hold: Hold, sign: int) -> None:
        for lot_id, points in hold.parts:
            self._pile(who, lot_id).held += sign * points


Books.TestCase.settings = settings(
    max_examples=80,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestBooks = Books.TestCase
