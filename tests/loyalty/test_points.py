"""The books of one member against a simple model: nothing is lost, doubled or spent twice."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from loyalty.points import PointsBook, Posting, in_order

START = datetime(2026, 1, 1, tzinfo=UTC)
MEMBER = UUID(int=1)
_numbers = itertools.count(10)


def posting(sale: str = "") -> Posting:
    """What an entry says of itself."""
    number = next(_numbers)
    return Posting(f"key {number}", number, START, START, UUID(int=number), sale=sale)


def earn(
    book: PointsBook,
    points: int,
    sale: str = "",
    *,
    at: datetime = START,
    expires: datetime | None = None,
) -> None:
    """Earns points."""
    lot = UUID(int=next(_numbers))
    book.earn(points, posting(sale), lot_id=lot, available_at=at, expires_at=expires)


SALES = st.sampled_from(["", "shop:1", "shop:2", "shop:3"])
POINTS = st.integers(1, 500)


class Books(RuleBasedStateMachine):
    """Earns, reverses and redeems; time goes on; the books are stored and opened again."""

    @initialize()
    def open(self) -> None:
        self.book = PointsBook(MEMBER, 0, [])
        self.now = START
        self.total = 0

    @rule(
        points=POINTS,
        sale=SALES,
        pending=st.integers(0, 3),
        lasts=st.none() | st.integers(1, 6),
    )
    def earns(self, points: int, sale: str, pending: int, lasts: int | None) -> None:
        owed = self.book.debt
        at = self.now + timedelta(days=pending)
        expires = None if lasts is None else at + timedelta(days=lasts)
        earn(self.book, points, sale, at=at, expires=expires)
        self.total += points
        assert self.book.debt == max(owed - points, 0)
        assert self.book.lots[-1].remaining == points - (owed - self.book.debt)

    @rule(points=POINTS, sale=SALES)
    def reverses(self, points: int, sale: str) -> None:
        own = sum(lot.remaining for lot in self.book.lots if sale and lot.sale == sale)
        usable = sum(
            lot.remaining
            for lot in self.book.lots
            if not (sale and lot.sale == sale) and lot.is_spendable(self.now)
        )
        owed = self.book.debt
        self.book.reverse(points, posting(sale), now=self.now)
        self.total -= points
        assert self.book.debt == owed + max(points - own - usable, 0)
        kept = sum(lot.remaining for lot in self.book.lots if sale and lot.sale == sale)
        assert kept == max(own - points, 0)

    @rule(points=POINTS)
    def redeems(self, points: int) -> None:
        available = self.book.available(self.now)
        entry = self.book.redeem(points, posting(), now=self.now)
        assert (entry is not None) == (points <= available)
        if entry is not None:
            self.total -= points
            assert self.book.available(self.now) == available - points

    @rule(days=st.integers(1, 5))
    def waits(self, days: int) -> None:
        self.now += timedelta(days=days)

    @precondition(lambda self: self.book.entries)
    @rule()
    def stores_and_opens_again(self) -> None:
        """The store keeps open lots only, and forgets the entries."""
        self._check_allocations()
        lots = [lot for lot in self.book.lots if lot.remaining]
        for lot in lots:
            lot.is_new = lot.is_changed = False
        self.book = PointsBook(MEMBER, self.book.total, lots)

    @invariant()
    def the_books_balance(self) -> None:
        book = self.book
        assert book.total == self.total
        assert book.debt >= 0
        assert all(0 <= lot.remaining <= lot.points for lot in book.lots)
        assert sum(lot.remaining for lot in book.lots) == book.total + book.debt
        assert book.available(self.now) <= book.total + book.debt

    @invariant()
    def nothing_is_taken_twice_by_one_entry(self) -> None:
        pairs = [(one.entry_id, one.lot_id) for one in self.book.allocations]
        assert len(pairs) == len(set(pairs))

    def _check_allocations(self) -> None:
        taken = {lot.id: 0 for lot in self.book.lots}
        for one in self.book.allocations:
            assert one.points > 0
            taken[one.lot_id] += one.points
        for entry in self.book.entries:
            if entry.points < 0:
                of_entry = [
                    one.points
                    for one in self.book.allocations
                    if one.entry_id == entry.posting.entry_id
                ]
                assert sum(of_entry) <= -entry.points


Books.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestBooks = Books.TestCase


def book_of(*lots: tuple[int, str, datetime | None]) -> PointsBook:
    """Books with lots of (points, sale, expiry)."""
    book = PointsBook(MEMBER, 0, [])
    for points, sale, expires in lots:
        earn(book, points, sale, expires=expires)
    return book


def left(book: PointsBook) -> list[int]:
    """What is left of each lot."""
    return [lot.remaining for lot in book.lots]


SOON, LATE = START + timedelta(days=10), START + timedelta(days=20)


def test_points_are_spent_soonest_to_expire_first_and_never_expiring_last() -> None:
    book = book_of((10, "", None), (10, "", LATE), (10, "", SOON))
    book.redeem(15, posting(), now=START)
    assert left(book) == [10, 5, 0]


def test_a_reversal_takes_the_sales_own_points_first_even_those_not_yet_usable() -> None:
    book = book_of((10, "shop:1", SOON))
    earn(book, 10, "shop:2", at=SOON)
    book.reverse(12, posting("shop:2"), now=START)
    assert left(book) == [8, 0]


def test_a_reversal_leaves_alone_what_others_cannot_spend_yet() -> None:
    book = book_of((5, "shop:1", None))
    earn(book, 10, "shop:2", at=SOON)
    book.redeem(5, posting(), now=START)
    book.reverse(5, posting("shop:1"), now=START)
    assert (left(book), book.debt, book.available(START)) == ([0, 10], 5, -5)
    assert book.available(SOON) == 5


def test_a_reversal_without_a_sale_takes_from_what_can_be_spent() -> None:
    """Points of no sale are not the sale's own: they go in the usual order."""
    book = book_of((10, "", None), (10, "shop:1", SOON))
    book.reverse(12, posting(""), now=START)
    assert left(book) == [8, 0]


def test_at_the_instant_of_expiry_points_are_gone_and_at_that_of_release_they_are_there() -> None:
    book = book_of((10, "", SOON))
    earn(book, 7, at=SOON)
    assert (book.available(SOON - timedelta(microseconds=1)), book.available(SOON)) == (10, 7)
    assert book.redeem(8, posting(), now=SOON) is None


@pytest.mark.parametrize("points", [0, -1])
def test_nobody_earns_spends_or_loses_nothing(points: int) -> None:
    book = book_of((10, "", None))
    with pytest.raises(ValueError, match="positive"):
        earn(book, points)
    with pytest.raises(ValueError, match="positive"):
        book.redeem(points, posting(), now=START)
    with pytest.raises(ValueError, match="positive"):
        book.reverse(points, posting(), now=START)
    assert (book.total, left(book)) == (10, [10])


def test_the_order_of_use_does_not_depend_on_the_order_of_lots() -> None:
    book = book_of((1, "", None), (2, "", SOON), (3, "", LATE), (4, "", SOON))
    wanted = [lot.points for lot in in_order(book.lots)]
    for lots in itertools.permutations(book.lots):
        assert [lot.points for lot in in_order(lots)] == wanted
