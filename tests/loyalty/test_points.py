"""The points book, case by case: order of use, taking back, debts, holds, returns, merges."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from loyalty.book import PointsBook
from loyalty.points import Entry, EntryKind, Posting, Reversal
from loyalty.policies import ExpiryPolicy

START = datetime(2026, 1, 1, tzinfo=UTC)
MEMBER, OTHER = UUID(int=1), UUID(int=2)
_numbers = itertools.count(10)


def day(number: int) -> datetime:
    """The beginning of a day, counted from the start."""
    return START + timedelta(days=number)


def make_id() -> UUID:
    """A new identifier."""
    return UUID(int=next(_numbers))


def posting(sale: str = "", *, at: datetime = START, **more: Any) -> Posting:
    """What an entry says of itself."""
    number = next(_numbers)
    return Posting(f"key {number}", number, at, at, UUID(int=number), sale=sale, **more)


def earn(
    book: PointsBook,
    points: int,
    sale: str = "",
    *,
    opens: int = 0,
    closes: int | None = None,
    earned: int = 0,
    now: int = 0,
) -> Entry:
    """Earns points; all times are days."""
    return book.earn(
        points,
        posting(sale, at=day(now)),
        lot_id=make_id(),
        earned_at=day(earned),
        available_at=day(opens),
        expires_at=None if closes is None else day(closes),
    )


def book_of(*lots: tuple[int, str, int | None], **terms: Any) -> PointsBook:
    """A book with lots of (points, sale, day of expiry), each earned a second after the other."""
    book = PointsBook(MEMBER, **terms)
    for points, sale, closes in lots:
        earn(book, points, sale, closes=closes)
    return book


def left(book: PointsBook) -> list[int]:
    """What is left of each lot."""
    return [lot.remaining for lot in book.lots]


def points_of(book: PointsBook) -> list[tuple[str, int]]:
    """The entries, as kind and points."""
    return [(entry.kind.value, entry.points) for entry in book.entries]


def reverse(book: PointsBook, points: int, sale: str, negative: Any = "allow") -> Reversal:
    """Takes points of a sale back on the first day."""
    return book.reverse(points, posting(sale), now=START, negative=negative, make_id=make_id)


def reopened(book: PointsBook, **terms: Any) -> PointsBook:
    """The book as the next transaction finds it."""
    return PointsBook(book.member_id, book.total, book.lots, book.debts, **terms)


# --- order of use


def test_points_are_spent_soonest_to_expire_first_and_never_expiring_last() -> None:
    book = book_of((10, "", None), (10, "", 20), (10, "", 10))
    book.redeem(15, posting(), now=START)
    assert left(book) == [10, 5, 0]


def test_of_points_that_expire_together_the_oldest_go_first() -> None:
    book = PointsBook(MEMBER)
    earn(book, 10, earned=-1, closes=10)
    earn(book, 10, earned=-2, closes=10)
    book.redeem(15, posting(), now=START)
    assert left(book) == [5, 0]


def test_first_in_first_out_looks_at_age_alone() -> None:
    book = PointsBook(MEMBER, consume="fifo")
    earn(book, 10, earned=-3)
    earn(book, 10, earned=-1, closes=10)
    earn(book, 10, earned=-2, closes=20)
    book.redeem(15, posting(), now=START)
    assert left(book) == [0, 10, 5]


def test_a_lot_that_comes_later_finds_its_place() -> None:
    book = book_of((10, "", 10), (10, "", 30))
    book.redeem(5, posting(), now=START)
    earn(book, 10, closes=5)
    book.redeem(12, posting(), now=START)
    assert left(book) == [3, 10, 0]


def test_at_the_instant_of_expiry_points_are_gone_and_at_that_of_release_they_are_there() -> None:
    book = book_of((10, "", 10))
    earn(book, 7, opens=10)
    just_before = day(10) - timedelta(microseconds=1)
    assert [book.available(at) for at in (just_before, day(10), just_before)] == [10, 7, 10]
    assert [book.pending(at) for at in (just_before, day(10))] == [7, 0]
    assert book.redeem(8, posting(), now=day(10)) is None


@pytest.mark.parametrize("points", [0, -1])
def test_nobody_earns_spends_or_loses_nothing(points: int) -> None:
    book = book_of((10, "", None))
    for act in (
        lambda: earn(book, points),
        lambda: book.redeem(points, posting(), now=START),
        lambda: book.deduct(points, posting(), now=START),
        lambda: book.hold("h", points, START),
        lambda: reverse(book, points, "s"),
    ):
        with pytest.raises(ValueError, match="positive"):
            act()
    assert (book.total, left(book)) == (10, [10])


# --- taking back


@pytest.mark.parametrize(
    ("negative", "found", "lots", "available", "entries"),
    [
        ("allow", Reversal(70, 30, 0), [0, 0], -30, [-100]),
        ("clamp", Reversal(70, 0, 30), [0, 0], 0, [-100, 30]),
        ("own_lot_only", Reversal(40, 0, 60), [0, 30], 30, [-100, 60]),
    ],
)
def test_what_the_sale_has_no_more_is_taken_owed_or_let_off(
    negative: str, found: Reversal, lots: list[int], available: int, entries: list[int]
) -> None:
    book = book_of((100, "shop:1", None), (30, "shop:2", None))
    book.redeem(60, posting(), now=START)
    assert reverse(book, 100, "shop:1", negative) == found
    assert (left(book), book.available(START)) == (lots, available)
    assert [points for _, points in points_of(book)[3:]] == entries
    assert book.total == available


def test_a_write_off_counts_for_no_tier_and_has_a_key_of_its_own() -> None:
    book = book_of((10, "shop:1", None))
    book.redeem(10, posting(), now=START)
    mine = posting("shop:1", counts_at=START)
    book.reverse(10, mine, now=START, negative="clamp", make_id=make_id)
    taken, pardon = book.entries[-2:]
    assert (taken.posting.counts_at, pardon.posting.counts_at) == (START, None)
    assert pardon.posting.key == f"{mine.key}:write_off"
    assert pardon.posting.entry_id != mine.entry_id


def test_a_reversal_takes_the_sales_own_points_first_even_those_not_yet_usable() -> None:
    book = book_of((10, "shop:1", 10))
    earn(book, 10, "shop:2", opens=10)
    reverse(book, 12, "shop:2")
    assert left(book) == [8, 0]


def test_a_reversal_leaves_alone_what_others_cannot_spend_yet() -> None:
    book = book_of((5, "shop:1", None))
    earn(book, 10, "shop:2", opens=10)
    book.redeem(5, posting(), now=START)
    reverse(book, 5, "shop:1")
    assert (left(book), book.debt, book.available(START)) == ([0, 10], 5, -5)
    assert book.available(day(10)) == 5
    assert book.balance(day(10)).total == book.total == 5


def test_points_earned_pay_what_is_owed_once_they_can_be_spent() -> None:
    book = book_of((5, "shop:1", None))
    book.redeem(5, posting(), now=START)
    reverse(book, 5, "shop:1")
    earn(book, 3)
    assert (book.debt, left(book)) == (2, [0, 0])
    earn(book, 4, opens=3)
    assert (book.debt, book.available(START), book.pending(START)) == (2, -2, 4)
    book.lapse(day(3), make_id)
    assert (book.debt, left(book), book.available(day(3))) == (0, [0, 0, 2], 2)


@pytest.mark.parametrize("opened", [(), (3,), (2, 3, 4, 6), (9,), (2, 9)])
def test_how_often_a_book_is_opened_makes_no_difference_to_a_debt(opened: tuple[int, ...]) -> None:
    """Two lots are released and expire meanwhile; each pays on its day, in that order."""
    book = book_of((10, "shop:1", None))
    book.redeem(10, posting(), now=START)
    reverse(book, 10, "shop:1")
    earn(book, 6, opens=2, closes=20)
    earn(book, 8, opens=4, closes=5)
    book = reopened(book)
    for number in opened:
        assert book.available(day(number)) == book.balance(day(number)).available
        book.lapse(day(number), make_id)
        book = reopened(book)
    assert book.balance(day(10)).available == 0
    book.lapse(day(10), make_id)
    assert (book.total, book.debt, left(book)) == (0, 0, [0, 0, 0])
    assert sum(lot.expired for lot in book.lots) == 4


@pytest.mark.parametrize(("consume", "available"), [("fifo", 10), ("soonest_expiry", 10)])
def test_looking_ahead_pays_in_the_order_of_use(consume: Any, available: int) -> None:
    """Both lots are released on one day; the first to be used pays, the other may lapse."""
    book = PointsBook(MEMBER, consume=consume)
    book.redeem(10, posting(), now=START, into_debt=True)
    earn(book, 10, earned=-2, opens=2, closes=None if consume == "soonest_expiry" else 5)
    earn(book, 10, earned=-1, opens=2, closes=5 if consume == "soonest_expiry" else None)
    ahead = reopened(book, consume=consume)
    assert ahead.available(day(6)) == available
    ahead.lapse(day(6), make_id)
    assert ahead.total == ahead.available(day(6)) == available


def test_first_in_first_out_pays_a_debt_with_the_oldest() -> None:
    book = PointsBook(MEMBER, consume="fifo")
    book.redeem(10, posting(), now=START, into_debt=True)
    earn(book, 10, earned=-2, opens=2)
    earn(book, 10, earned=-1, opens=2, closes=5)
    ahead = reopened(book, consume="fifo")
    assert ahead.available(day(6)) == 0
    ahead.lapse(day(6), make_id)
    assert (ahead.total, left(ahead)) == (0, [0, 0])


def test_a_lot_that_lapsed_before_it_could_be_spent_pays_nothing() -> None:
    book = book_of((10, "shop:1", None))
    book.redeem(10, posting(), now=START)
    reverse(book, 10, "shop:1")
    earn(book, 10, opens=5, closes=3)
    assert book.available(day(6)) == -10
    book.lapse(day(6), make_id)
    assert (book.debt, book.total) == (10, -10)


@pytest.mark.parametrize(
    ("negative", "points", "entry", "available"),
    [
        ("refuse", 10, -10, 0),
        ("refuse", 11, None, 10),
        ("allow", 11, -11, -1),
        ("clamp", 11, -10, 0),
    ],
)
def test_a_deduction_stops_where_it_should(
    negative: Any, points: int, entry: int | None, available: int
) -> None:
    book = book_of((10, "", None))
    found = book.deduct(points, posting(), now=START, negative=negative)
    assert (found and found.points) == entry
    assert (book.available(START), book.total) == (available, available)


def test_nothing_is_clamped_to_nothing() -> None:
    book = PointsBook(MEMBER)
    assert book.deduct(5, posting(), now=START, negative="clamp") is None
    assert book.entries == []


# --- expiry


def test_expiry_is_written_once_under_the_instant_it_happened() -> None:
    book = book_of((10, "shop:1", 5), (7, "shop:2", 9), (3, "", None))
    assert [e.points for e in book.lapse(day(5), make_id)] == [-10]
    assert book.lapse(day(5), make_id) == []
    (late,) = book.lapse(day(30), make_id)
    assert (late.kind, late.points, late.posting.sale) == (EntryKind.EXPIRE, -7, "shop:2")
    assert (late.posting.occurred_at, late.posting.posted_at) == (day(9), day(30))
    assert (book.expired_of("shop:1"), book.expired_of("shop:2"), book.total) == (10, 7, 3)


def test_points_that_arrive_after_their_day_expire_at_once() -> None:
    book = PointsBook(MEMBER)
    book.lapse(day(9), make_id)
    earn(book, 10, "shop:1", closes=5, now=9)
    assert book.available(day(9)) == 0
    assert [e.points for e in book.lapse(day(9), make_id)] == [-10]
    assert book.balance(day(9)).total == book.total == 0


INACTIVE = ExpiryPolicy(mode="inactivity_months", n=6)


def test_activity_renews_the_whole_balance() -> None:
    """As in the scenario: earned on 10 January, spent on the last evening, renewed."""
    book = PointsBook(MEMBER, expiry=INACTIVE, last_activity=day(9))
    earn(book, 100, earned=9, opens=9)
    gone = datetime(2026, 7, 11, tzinfo=UTC)
    evening = gone - timedelta(hours=4)
    assert (book.available(gone), book.available(evening)) == (0, 100)
    book.lapse(evening, make_id)
    book.redeem(10, posting(), now=evening)
    book.touch(evening, "redeem")
    assert book.lapse(gone, make_id) == []
    assert book.available(gone) == 90
    assert book.available(datetime(2027, 1, 11, tzinfo=UTC)) == 0


def test_an_activity_that_is_set_counts_at_once() -> None:
    """As a merge does, which keeps the later of two."""
    book = book_of((10, "", None), expiry=INACTIVE, last_activity=day(0))
    assert book.available(day(200)) == 0
    book.last_activity = day(100)
    assert book.available(day(200)) == 10


def test_what_is_no_activity_renews_nothing() -> None:
    policy = INACTIVE.model_copy(update={"activity": ("redeem",)})
    book = PointsBook(MEMBER, expiry=policy, last_activity=day(0))
    earn(book, 10)
    book.touch(day(30), "earn")
    book.touch(day(-30), "redeem")
    assert book.last_activity == day(0)
    assert book.available(datetime(2026, 7, 2, tzinfo=UTC)) == 0


def test_points_given_to_an_inactive_member_live_from_that_day() -> None:
    """Nothing they did renews the old balance; what comes after it lapsed has its own time."""
    book = PointsBook(MEMBER, expiry=INACTIVE, last_activity=day(0))
    earn(book, 10)
    earn(book, 5, earned=300, opens=300)
    assert book.balance(day(310)).available == 5
    assert book.available(day(500)) == 0


def test_switching_expiry_on_takes_nothing_that_day() -> None:
    policy = ExpiryPolicy(mode="months", n=12)
    book = book_of((500, "", None), expiry=policy, expiry_since=day(730))
    assert book.available(day(730)) == 500
    assert book.available(datetime(2029, 1, 2, tzinfo=UTC)) == 0


# --- holds


def test_held_points_are_nobody_elses_and_come_back_into_the_same_lot() -> None:
    book = book_of((100, "shop:1", 30))
    hold = book.hold("h1", 60, START)
    assert hold is not None
    assert (book.available(START), book.held) == (40, 60)
    assert book.redeem(60, posting(), now=START) is None
    assert book.hold("h2", 41, START) is None
    book.release(hold, START)
    assert (book.available(START), book.held, left(book)) == (100, 0, [100])
    with pytest.raises(ValueError, match="released"):
        book.capture(hold, posting(), START)


def test_held_points_do_not_expire_before_they_are_let_go() -> None:
    book = book_of((100, "", 5))
    hold = book.hold("h1", 60, START)
    assert hold is not None
    assert [e.points for e in book.lapse(day(5), make_id)] == [-40]
    assert book.balance(day(6)).total == book.total == 60
    book.release(hold, day(6))
    (entry,) = book.lapse(day(6), make_id)
    assert (entry.points, book.total, book.lots[0].expired) == (-60, 0, 100)
    assert len({e.posting.key for e in book.entries}) == len(book.entries)


def test_a_capture_spends_what_was_held_even_after_its_day() -> None:
    book = book_of((100, "", 5))
    hold = book.hold("h1", 60, START, reward="mug")
    assert hold is not None
    book.lapse(day(5), make_id)
    assert book.capture(hold, posting(), day(6)).points == -60
    assert (book.total, left(book), book.held, hold.state) == (0, [0], 0, "captured")


def test_held_points_let_go_after_their_day_pay_no_debt() -> None:
    book = book_of((100, "shop:1", 5))
    hold = book.hold("h1", 100, START)
    assert hold is not None
    reverse(book, 30, "shop:1")
    assert (book.debt, book.available(START)) == (30, -30)
    book = PointsBook(MEMBER, book.total, book.lots, book.debts, book.holds.values())
    book.lapse(day(6), make_id)
    book.release(hold, day(6))
    book.lapse(day(6), make_id)
    assert (book.debt, book.total) == (30, -30)


def test_held_points_let_go_in_time_pay_what_is_owed() -> None:
    book = book_of((100, "shop:1", 5))
    hold = book.hold("h1", 100, START)
    assert hold is not None
    reverse(book, 30, "shop:1")
    book.release(hold, day(1))
    assert (book.debt, book.available(day(1)), left(book)) == (0, 70, [70])


# --- what comes back


def give_back(book: PointsBook, spent: Entry, at: datetime, grace: datetime) -> Entry:
    """Returns a redemption whole."""
    return book.give_back(
        [(a.lot_id, a.points) for a in book.allocations if a.entry_id == spent.posting.entry_id],
        posting(at=at),
        redeemed=spent.posting.entry_id,
        now=at,
        grace_until=grace,
        make_id=make_id,
    )


def test_what_comes_back_goes_where_it_was_or_lives_through_a_grace() -> None:
    book = book_of((100, "shop:1", 5), (50, "shop:2", 30))
    spent = book.redeem(120, posting(), now=START)
    assert spent is not None
    book.lapse(day(8), make_id)
    assert give_back(book, spent, day(8), day(16)).points == 120
    assert [(lot.remaining, lot.expires_at) for lot in book.lots] == [
        (0, day(5)), (50, day(30)), (100, day(16)),
    ]  # fmt: skip
    assert (book.available(day(8)), book.available(day(16)), book.total) == (150, 50, 150)


def test_what_was_only_owed_is_owed_no_more_when_it_comes_back() -> None:
    book = book_of((40, "", None))
    spent = book.redeem(60, posting(), now=START, into_debt=True)
    assert spent is not None
    assert book.available(START) == -20
    assert give_back(book, spent, START, day(9)).points == 60
    assert (book.available(START), book.debt, book.total) == (40, 0, 40)


# --- accounts


def test_lots_move_with_their_days_and_debts_meet_what_is_there() -> None:
    giving, taking = book_of((80, "shop:2", 60)), PointsBook(OTHER)
    earn(giving, 9, opens=7)
    taking.redeem(10, posting(), now=START, into_debt=True)
    estate, gone = giving.hand_over(posting())
    came = taking.take_over(estate, posting(), now=START)
    assert gone is not None
    assert came is not None
    assert (gone.points, came.points, gone.kind) == (-89, 89, EntryKind.TRANSFER)
    assert (giving.total, giving.lots, taking.total) == (0, [], 79)
    assert [(lot.remaining, lot.member_id, lot.origin_id) for lot in taking.lots] == [
        (70, OTHER, MEMBER), (9, OTHER, MEMBER),
    ]  # fmt: skip
    assert (taking.available(START), taking.pending(START)) == (70, 9)


def test_a_debt_that_comes_with_a_merge_is_paid_in_the_order_of_use() -> None:
    """However long ago points were released, those that expire first pay first."""
    giving, taking = PointsBook(MEMBER), PointsBook(OTHER)
    earn(giving, 10, opens=0)
    earn(giving, 10, opens=1, closes=3)
    for book in (giving, taking):
        book.lapse(day(2), make_id)
    taking.redeem(10, posting(at=day(2)), now=day(2), into_debt=True)
    estate, _ = giving.hand_over(posting())
    taking.take_over(estate, posting(), now=day(2))
    assert left(taking) == [10, 0]


def test_a_merge_is_undone_lot_by_lot() -> None:
    giving, taking = book_of((80, "shop:2", None)), PointsBook(OTHER)
    earn(taking, 30, "shop:1")
    estate, _ = giving.hand_over(posting())
    taking.take_over(estate, posting(), now=START)
    later = posting("shop:3", origin_id=MEMBER)
    taking.earn(5, later, lot_id=make_id(), earned_at=START, available_at=START)
    back, gone = taking.hand_over(posting(), origins=frozenset({MEMBER}))
    giving.take_over(back, posting(), now=START)
    assert gone is not None
    assert (gone.points, taking.available(START), giving.available(START)) == (-85, 30, 85)
    assert (taking.total, giving.total) == (30, 85)


def test_nothing_to_hand_over_writes_no_entry() -> None:
    giving, taking = PointsBook(MEMBER), PointsBook(OTHER)
    estate, gone = giving.hand_over(posting())
    assert gone is None
    assert taking.take_over(estate, posting(), now=START) is None


@pytest.mark.parametrize("spends", [0, 100, 150])
def test_an_account_ends_at_nothing(spends: int) -> None:
    book = book_of((100, "", 9))
    earn(book, 20, opens=5)
    if spends:
        book.redeem(spends, posting(), now=START, into_debt=True)
    else:
        book.hold("h", 30, START)
    entry = book.forfeit(posting(), START)
    assert entry is not None
    assert entry.points == spends - 120
    assert (book.total, book.debt, book.held, set(left(book))) == (0, 0, 0, {0})
    assert book.forfeit(posting(), START) is None
