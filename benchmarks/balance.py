"""How long a member with 10,000 ledger entries waits for the balance, on a real PostgreSQL.

Two members: one who earned and spent by turns (few open lots, a long history), one who only ever
earned (10,000 open lots, the worst there is). Run: python -m benchmarks.balance
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any
from uuid import UUID

from loyalty.book import PointsBook
from loyalty.points import Posting
from loyalty.policies import ExpiryPolicy
from loyalty.store import balances, books, people
from loyalty.store.books import BookTerms
from loyalty.store.database import Database
from loyalty.store.embedded import EmbeddedPostgres
from loyalty.store.ids import new_id
from loyalty.store.migrate import migrate
from loyalty.store.people import Member

ENTRIES, ROUNDS = 10_000, 200
START = datetime(2024, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=500)
TERMS = BookTerms(ExpiryPolicy(mode="days", n=600))


def main() -> None:
    """Starts a PostgreSQL of its own and prints the figures."""
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as home:
        server = EmbeddedPostgres(Path(home))
        server.start()
        try:
            server.create_databases()
            server.psql("create database balance;")
            asyncio.run(measure(server.url("balance")))
        finally:
            server.stop()
    in_memory()


async def measure(url: str) -> None:
    """Fills the books and reads them."""
    database = Database(url)
    await migrate(database)
    print(f"{ENTRIES:,} entries a member{'':12}p50 ms   p95 ms")
    for name, spends in (("few open lots", True), ("10,000 open lots", False)):
        one = new_id(START)
        open_lots = await _fill(database, one, spends=spends)
        print(f"{name}: {open_lots:,} open")
        await _time("  read without lock", partial(_read, database, one))
        await _time("  lock, open, lapse", partial(_open, database, one), rounds=40)
    await database.aclose()


async def _fill(database: Database, one: UUID, *, spends: bool) -> int:
    member = Member(id=one, joined_at=START, created_at=START)
    book = PointsBook(one, expiry=TERMS.expiry)
    for number in range(ENTRIES):
        at = START + timedelta(minutes=60 * number)
        if spends and number % 2:
            assert book.redeem(99, _posting(one, number, at), now=at) is not None
        else:
            _earn(book, number, at)
    async with database.begin() as connection:
        member.points = book.total
        await people.add(connection, [member], now=START)
        await books.post(connection, [book])
    async with database.engine.connect() as connection:
        raw = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await raw.exec_driver_sql("vacuum analyze")
    return sum(1 for lot in book.lots if lot.remaining)


def _posting(one: UUID, number: int, at: datetime) -> Posting:
    return Posting(f"{one}:{number}", None, at, at, new_id(at), sale=f"shop:{one}:{number}")


def _earn(book: PointsBook, number: int, at: datetime) -> None:
    book.earn(
        100,
        _posting(book.member_id, number, at),
        lot_id=new_id(at),
        earned_at=at,
        available_at=at,
        expires_at=book.expiry_for(earned_at=at, available_at=at),
    )


async def _read(database: Database, one: UUID) -> None:
    async with database.begin() as connection:
        assert await balances.balance(connection, one, TERMS, now=NOW) is not None


async def _open(database: Database, one: UUID) -> None:
    async with database.begin() as connection:
        members = await people.lock(connection, [one])
        found = await books.open_books(connection, members.values(), TERMS)
        found[one].lapse(NOW, lambda: new_id(NOW))
        assert found[one].available(NOW) > 0


async def _time(name: str, work: Callable[[], Awaitable[Any]], *, rounds: int = ROUNDS) -> None:
    await work()
    took = []
    for _ in range(rounds):
        started = perf_counter()
        await work()
        took.append((perf_counter() - started) * 1000)
    print(f"{name:30} {median(took):8.2f} {quantiles(took, n=20)[-1]:8.2f}")


def in_memory() -> None:
    """What an event costs on a book with thousands of open lots, once it is open."""
    one = UUID(int=1)
    for size in (10, 1_000, 10_000):
        book = PointsBook(one, expiry=TERMS.expiry)
        for number in range(size):
            _earn(book, number, START + timedelta(minutes=number))
        book.lapse(NOW, lambda: new_id(NOW))
        book.redeem(1, _posting(one, 0, NOW), now=NOW)
        started = perf_counter()
        for number in range(500):
            _earn(book, number, NOW)
            assert book.redeem(99, _posting(one, number, NOW), now=NOW) is not None
        took = (perf_counter() - started) / 1000 * 1e6
        print(f"in memory, {size:6,} open lots {took:12.1f} us an event")


if __name__ == "__main__":
    main()
