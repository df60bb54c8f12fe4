"""The points books on a real PostgreSQL: what is written is what is opened again."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.book import PointsBook
from loyalty.points import Balance, Entry, Posting
from loyalty.policies import ExpiryPolicy, ReportPolicy
from loyalty.programme import Programme
from loyalty.store import balances, books, people, redemptions
from loyalty.store.books import BookTerms
from loyalty.store.database import Database
from loyalty.store.expiry_since import expiry_since, note_expiry
from loyalty.store.ids import new_id
from loyalty.store.liability import liability_at
from loyalty.store.people import Member
from loyalty.store.proof import Disagreement, disagreements
from loyalty.store.redemptions import Redeemed

START = datetime(2026, 1, 1, tzinfo=UTC)
ADA, BEN = UUID(int=1), UUID(int=2)
TERMS = BookTerms.of(Programme(), None)
_numbers = itertools.count(1)


def day(number: int) -> datetime:
    """The beginning of a day, counted from the start."""
    return START + timedelta(days=number)


def posting(sale: str = "", *, at: int = 0, **more: Any) -> Posting:
    """What an entry says of itself."""
    key = f"key {next(_numbers)}"
    return Posting(key, None, day(at), day(at), new_id(day(at)), sale=sale, **more)


def earn(
    book: PointsBook, points: int, sale: str = "", *, at: int = 0, **days: int | None
) -> Entry:
    """Earns points on a day; `opens` and `closes` are days."""
    closes = days.get("closes")
    return book.earn(
        points,
        posting(sale, at=at),
        lot_id=new_id(day(at)),
        earned_at=day(at),
        available_at=day(days.get("opens") or at),
        expires_at=None if closes is None else day(closes),
    )


@pytest.fixture
async def enrolled(database: Database) -> Database:
    """A database with two members."""
    members = [Member(id=one, joined_at=START, created_at=START) for one in (ADA, BEN)]
    async with database.begin() as connection:
        await people.add(connection, members, now=START)
    return database


@asynccontextmanager
async def transaction(
    database: Database, at: int, *, terms: BookTerms = TERMS, **more: Sequence[Any]
) -> AsyncIterator[tuple[dict[UUID, PointsBook], AsyncConnection]]:
    """The books of both, opened, lapsed, and written at the end."""
    async with database.begin() as connection:
        members = await people.lock(connection, [ADA, BEN])
        found = await books.open_books(connection, members.values(), terms, **more)  # type: ignore[arg-type]
        for book in found.values():
            book.lapse(day(at), lambda: new_id(day(at)))
        yield found, connection
        for book in found.values():
            book.lapse(day(at), lambda: new_id(day(at)))
            member = members[book.member_id]
            member.points, member.is_changed = book.total, True
            member.last_activity_at = book.last_activity
        await people.save(connection, list(members.values()), now=day(at))
        await books.post(connection, found.values())


async def read(
    database: Database, at: int, who: UUID = ADA, terms: BookTerms = TERMS
) -> Balance | None:
    """The balance as anybody may read it."""
    async with database.begin() as connection:
        return await balances.balance(connection, who, terms, now=day(at))


async def add_up(database: Database) -> None:
    """Entries, lots with debts, holds and the journal tell the same story."""
    async with database.begin() as connection:
        assert await disagreements(connection) == []


async def test_a_book_is_opened_as_it_was_written(enrolled: Database) -> None:
    async with transaction(enrolled, 0) as (found, _):
        earn(found[ADA], 100, "shop:1", closes=30)
        earn(found[ADA], 50, "shop:2", opens=7)
        assert found[ADA].hold("h1", 20, day(0), reward="mug") is not None
        written = found[ADA]
    async with transaction(enrolled, 1) as (found, _):
        opened = found[ADA]
        assert opened.total == 150
        assert sorted(lot.id for lot in opened.lots) == sorted(lot.id for lot in written.lots)
        for lot in opened.lots:
            lot.is_new = lot.is_changed = True
        for lot in written.lots:
            lot.is_new = lot.is_changed = True
        assert sorted(opened.lots, key=lambda lot: lot.id) == written.lots
        for lot in opened.lots:
            lot.is_new = lot.is_changed = False
        hold = opened.holds["h1"]
        assert (hold.points, hold.reward, hold.parts) == (20, "mug", written.holds["h1"].parts)
        assert opened.balance(day(1)) == Balance(80, 50, 20)
    assert await read(enrolled, 1) == Balance(80, 50, 20)
    await add_up(enrolled)


async def test_a_hold_ends_once_and_is_remembered(enrolled: Database) -> None:
    async with transaction(enrolled, 0) as (found, _):
        earn(found[ADA], 100)
        found[ADA].hold("h1", 60, day(0))
        found[ADA].hold("h2", 10, day(0))
    async with transaction(enrolled, 1) as (found, _):
        found[ADA].release(found[ADA].holds["h1"], day(1))
        found[ADA].capture(found[ADA].holds["h2"], posting(at=1), day(1))
    async with transaction(enrolled, 2) as (found, connection):
        assert found[ADA].holds == {}
        known = await books.holds_named(connection, ["h1", "h2", "h3"])
        assert {key: hold.state for key, hold in known.items()} == {
            "h1": "released", "h2": "captured",
        }  # fmt: skip
        assert known["h1"].ended_at == day(1)
    assert await read(enrolled, 2) == Balance(90, 0, 0)
    await add_up(enrolled)


async def test_debts_are_kept_and_paid_on_the_day(enrolled: Database) -> None:
    async with transaction(enrolled, 0) as (found, _):
        earn(found[ADA], 10, "shop:1")
        found[ADA].redeem(10, posting(), now=day(0))
        earn(found[ADA], 8, opens=4, closes=5)
    async with transaction(enrolled, 1) as (found, _):
        found[ADA].reverse(
            10, posting("shop:1", at=1), now=day(1), negative="allow", make_id=lambda: ADA
        )
    wanted = {1: Balance(-10, 8, 0), 4: Balance(-2, 0, 0), 9: Balance(-2, 0, 0)}
    assert {at: await read(enrolled, at) for at in wanted} == wanted
    async with transaction(enrolled, 9) as (found, _):
        assert (found[ADA].debt, found[ADA].debts[0].origin_id) == (2, ADA)
        earn(found[ADA], 5, at=9)
    assert await read(enrolled, 9) == Balance(3, 0, 0)
    async with transaction(enrolled, 10) as (found, _):
        assert found[ADA].debts == []
    await add_up(enrolled)


async def test_expiry_is_true_before_any_job_writes_it_down(enrolled: Database) -> None:
    async with transaction(enrolled, 0) as (found, _):
        earn(found[ADA], 100, "shop:1", closes=5)
        earn(found[ADA], 7, "shop:2")
    assert await read(enrolled, 5) == Balance(7, 0, 0)
    async with transaction(enrolled, 6, sales=["shop:1"]) as (found, _):
        assert found[ADA].expired_of("shop:1") == 100
    async with transaction(enrolled, 7, sales=["shop:1"]) as (found, _):
        assert (found[ADA].expired_of("shop:1"), len(found[ADA].lots)) == (100, 2)
    async with transaction(enrolled, 8) as (found, _):
        assert len(found[ADA].lots) == 1
    assert await read(enrolled, 8) == Balance(7, 0, 0)
    await add_up(enrolled)


@pytest.mark.parametrize(
    ("policy", "since", "before", "after"),
    [
        (ExpiryPolicy(mode="days", n=30), 0, 30, 31),
        (ExpiryPolicy(mode="inactivity_months", n=1), 10, 41, 42),
        (ExpiryPolicy(mode="inactivity_months", n=1), None, 35, 36),
        (ExpiryPolicy(mode="calendar", month=1, day=20), 0, 19, 20),
    ],
)
async def test_a_policy_that_came_later_is_read_exactly(
    enrolled: Database, policy: ExpiryPolicy, since: int | None, before: int, after: int
) -> None:
    """Lots without a day of their own; the member was active on 5 January."""
    async with transaction(enrolled, 0) as (found, _):
        earn(found[ADA], 100)
        earn(found[ADA], 11, closes=400)
        found[ADA].last_activity = day(4)
    terms = BookTerms(policy, expiry_since=None if since is None else day(since))
    assert await read(enrolled, before, terms=terms) == Balance(111, 0, 0)
    assert await read(enrolled, after, terms=terms) == Balance(11, 0, 0)
    async with transaction(enrolled, after, terms=terms) as (found, _):
        assert found[ADA].total == 11
    await add_up(enrolled)


async def test_nobody_has_no_balance(enrolled: Database) -> None:
    assert await read(enrolled, 0, UUID(int=99)) is None
    assert await read(enrolled, 0, BEN) == Balance(0, 0, 0)


async def test_a_business_key_is_booked_once(enrolled: Database) -> None:
    async def book(who: UUID) -> None:
        once = Posting("order o1", None, START, START, new_id(START))
        async with transaction(enrolled, 0) as (found, _):
            found[who].earn(5, once, lot_id=who, earned_at=START, available_at=START)

    await book(ADA)
    with pytest.raises(IntegrityError, match="business_key"):
        await book(BEN)
    assert await read(enrolled, 0) == Balance(5, 0, 0)
    assert await read(enrolled, 0, BEN) == Balance(0, 0, 0)


async def test_a_redemption_comes_back_into_its_lots(enrolled: Database) -> None:
    async with transaction(enrolled, 0) as (found, connection):
        earn(found[ADA], 100, "shop:1", closes=5)
        earn(found[ADA], 20, "shop:2")
        spent = found[ADA].redeem(110, posting(), now=day(0))
        assert spent is not None
        entry_id = spent.posting.entry_id
        await books.post(connection, found.values())
        new = Redeemed("shop:q1", ADA, entry_id, 110, day(0), "mug", "shop:9")
        await redemptions.save(connection, [new])
        for book in found.values():
            book.entries.clear()
            book.allocations.clear()
            for lot in book.lots:
                lot.is_new = False
    async with transaction(enrolled, 8, redeemed=[entry_id]) as (found, connection):
        (one,) = await redemptions.used_on(connection, ["shop:9", "shop:10"])
        assert sum(points for _, points in one.parts) == one.points == 110
        found[ADA].give_back(
            one.parts,
            posting(at=8),
            redeemed=one.entry_id,
            now=day(8),
            grace_until=day(16),
            make_id=lambda: new_id(day(8)),
        )
        assert await redemptions.note_returned(connection, [one.key]) == 1
        assert await redemptions.note_returned(connection, [one.key]) == 0
        assert await redemptions.used_on(connection, ["shop:9"]) == []
    assert await read(enrolled, 8) == Balance(120, 0, 0)
    assert await read(enrolled, 16) == Balance(20, 0, 0)
    await add_up(enrolled)


async def test_a_merge_takes_everything_along_and_can_be_undone(enrolled: Database) -> None:
    async with transaction(enrolled, 0) as (found, _):
        earn(found[BEN], 50, "shop:2", closes=9)
        earn(found[BEN], 30, "shop:3")
        found[BEN].reverse(30, posting("shop:3"), now=day(0), negative="allow", make_id=lambda: BEN)
        earn(found[ADA], 7, "shop:1")
        found[BEN].hold("h1", 5, day(0))
    async with transaction(enrolled, 1) as (found, _):
        estate, _ = found[BEN].hand_over(posting(at=1))
        found[ADA].take_over(estate, posting(at=1), now=day(1))
    assert await read(enrolled, 1) == Balance(52, 0, 5)
    assert await read(enrolled, 1, BEN) == Balance(0, 0, 0)
    await add_up(enrolled)
    async with transaction(enrolled, 2, sales=["shop:3"]) as (found, _):
        assert len(found[ADA].lots) == 3
        found[ADA].release(found[ADA].holds["h1"], day(2))
        later = posting("shop:4", at=2, origin_id=BEN)
        found[ADA].earn(4, later, lot_id=new_id(day(2)), earned_at=day(2), available_at=day(2))
    async with transaction(enrolled, 3) as (found, _):
        estate, _ = found[ADA].hand_over(posting(at=3), origins=frozenset({BEN}))
        found[BEN].take_over(estate, posting(at=3), now=day(3))
    assert await read(enrolled, 3) == Balance(7, 0, 0)
    assert await read(enrolled, 3, BEN) == Balance(54, 0, 0)
    async with transaction(enrolled, 4, sales=["shop:3"]) as (found, _):
        assert {lot.sale for lot in found[BEN].lots} == {"shop:2", "shop:3", "shop:4"}
    await add_up(enrolled)


async def test_the_liability_at_any_past_instant(enrolled: Database) -> None:
    """Scenario P01, and a hold, an expiry and a debt besides."""
    async with transaction(enrolled, 0) as (found, _):
        earn(found[ADA], 1000, "shop:1", opens=7)
    async with transaction(enrolled, 4) as (found, _):
        earn(found[BEN], 200, "shop:2", at=4, opens=11, closes=20)
    async with transaction(enrolled, 8) as (found, _):
        found[ADA].redeem(400, posting(at=8), now=day(8))
    async with transaction(enrolled, 12) as (found, _):
        found[ADA].hold("h1", 100, day(12))
        found[BEN].redeem(250, posting(at=12), now=day(12), into_debt=True)
    async with transaction(enrolled, 30) as (found, _):
        found[ADA].release(found[ADA].holds["h1"], day(30))
        earn(found[BEN], 60, at=30)
    programme = Programme(
        currency="USD", report=ReportPolicy(cost_per_point="0.01", expected_redemption="0.80")
    )
    wanted = {
        -1: (0, 0, 0, "0.00", "0.00"),
        0: (0, 1000, 0, "10.00", "8.00"),
        6: (0, 1200, 0, "12.00", "9.60"),
        7: (1000, 200, 0, "12.00", "9.60"),
        8: (600, 200, 0, "8.00", "6.40"),
        11: (800, 0, 0, "8.00", "6.40"),
        12: (600, 0, 50, "6.00", "4.80"),
        30: (610, 0, 0, "6.10", "4.88"),
    }
    async with enrolled.begin() as connection:
        for at, expected in wanted.items():
            found_ = await liability_at(connection, programme, TERMS, at=day(at))
            assert expected == (
                found_.outstanding,
                found_.pending,
                found_.owed,
                str(found_.gross),
                str(found_.expected),
            ), at


async def test_the_past_keeps_what_expired_since_and_what_was_merged_since(
    enrolled: Database,
) -> None:
    async with transaction(enrolled, 0) as (found, _):
        earn(found[ADA], 100, closes=5)
        earn(found[BEN], 40)
    async with transaction(enrolled, 9) as (found, _):
        estate, _ = found[BEN].hand_over(posting(at=9))
        found[ADA].take_over(estate, posting(at=9), now=day(9))
    async with enrolled.begin() as connection:
        statement = text("update members set merged_into = :ada where id = :ben")
        await connection.execute(statement, {"ada": ADA, "ben": BEN})
    async with enrolled.begin() as connection:
        for at, points in {0: 140, 4: 140, 5: 40, 8: 40, 9: 40}.items():
            found_ = await liability_at(connection, Programme(), TERMS, at=day(at))
            assert (found_.outstanding, found_.owed) == (points, 0), at


async def test_expiry_counts_from_the_day_it_was_switched_on(database: Database) -> None:
    never, monthly = ExpiryPolicy(), ExpiryPolicy(mode="months", n=1)
    async with database.begin() as connection:
        await note_expiry(connection, never, never, now=day(0))
        assert await expiry_since(connection) is None
        await note_expiry(connection, never, monthly, now=day(3))
        await note_expiry(connection, monthly, monthly, now=day(9))
        assert await expiry_since(connection) == day(3)


async def test_books_that_do_not_add_up_are_named(enrolled: Database) -> None:
    async with transaction(enrolled, 0) as (found, _):
        earn(found[ADA], 100)
        earn(found[BEN], 50)
    async with enrolled.begin() as connection:
        for change in (
            f"update lots set remaining = 90, held = 5 where member_id = '{ADA}'",
            f"update members set points = 51 where id = '{BEN}'",
        ):
            await connection.execute(text(change))
        lot = (await connection.execute(text("select id from lots where remaining = 90"))).scalar()
        assert await disagreements(connection) == [
            Disagreement("held points", ADA, 5, 0),
            Disagreement("lots less debts", ADA, 90, 100),
            Disagreement("points", BEN, 51, 50),
            Disagreement("points used of the lot", lot, 10, 0),
        ]
        (only,) = await disagreements(connection, [BEN])
    assert str(only) == f"points of {BEN}: 51 is stored, the ledger says 50"
