"""Polls: who asks whom next, from where on, and what becomes of a walk that is left."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from loyalty.store import polls, workers
from loyalty.store.database import Database
from loyalty.store.polls import Turn

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SHOP, TILL = "shopify/main", "square/main"
ALIVE = timedelta(hours=1)
EVERY = {SHOP: timedelta(minutes=15), TILL: timedelta(hours=1)}


def after(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


async def take(database: Database, now: datetime, owner: str = "one", **more: Any) -> list[Turn]:
    """Takes what is due, as a living worker does."""
    async with database.begin() as connection:
        await workers.beat(connection, owner, now=now)
        await polls.enrol(connection, sorted(EVERY), now=NOON)
        return await polls.take(connection, EVERY, owner=owner, now=now, alive=ALIVE, **more)


async def settle(database: Database, turn: Turn, now: datetime, **more: Any) -> None:
    """Ends a turn."""
    async with database.begin() as connection:
        await polls.settle(connection, turn, now=now, **more)


async def test_each_connection_is_asked_in_its_own_time(database: Database) -> None:
    turns = await take(database, NOON)
    assert sorted(one.connection for one in turns) == [SHOP, TILL]
    for one in turns:
        await settle(database, one, after(1))
    assert await take(database, after(14)) == []
    assert [one.connection for one in await take(database, after(15))] == [SHOP]
    async with database.begin() as connection:
        assert not await polls.is_due(connection, [TILL], now=after(59))
        assert await polls.is_due(connection, [TILL], now=after(60))


async def test_two_workers_never_have_the_same_connection(database: Database) -> None:
    names = [f"w{number}" for number in range(6)]
    taken = await asyncio.gather(*(take(database, NOON, name) for name in names))
    connections = [one.connection for turns in taken for one in turns]
    assert sorted(connections) == [SHOP, TILL]


async def test_a_ring_during_a_walk_makes_another_one(database: Database) -> None:
    (first, *_) = await take(database, NOON)
    async with database.begin() as connection:
        await polls.ring(connection, [first.connection] * 2, now=after(0.5))
    assert await take(database, after(0.6), "two") == []
    await settle(database, first, after(1))
    (again,) = await take(database, after(1), "two")
    assert again.connection == first.connection


async def test_a_walk_goes_on_from_the_last_page_where_its_worker_died(database: Database) -> None:
    (first, *_) = await take(database, NOON)
    async with database.begin() as connection:
        assert await polls.advance(connection, first, "page 3", now=NOON)
    assert await take(database, after(0.1), "two") == []
    async with database.begin() as connection:
        await workers.bury(connection, "one")
    found = {one.connection: one for one in await take(database, after(0.1), "two")}
    assert found[first.connection].cursor == "page 3"
    async with database.begin() as connection:
        assert not await polls.advance(connection, first, "page 4", now=NOON)
        await polls.settle(connection, first, now=NOON)
        rows = await connection.execute(text("select cursor, owner from polls order by connection"))
        cursors = [(row.cursor, row.owner.partition("#")[0]) for row in rows]
    assert ("page 3", "two") in cursors


async def test_a_walk_that_hangs_loses_its_turn(database: Database) -> None:
    await take(database, NOON)
    assert await take(database, after(1.9)) == []
    assert len(await take(database, after(2))) == 2


async def test_a_failure_is_noted_and_counted_until_a_walk_ends_well(database: Database) -> None:
    (first, second) = await take(database, NOON)
    await settle(database, first, NOON, problem="the shop is away", next_at=after(3))
    await settle(database, second, NOON)
    assert await take(database, after(2)) == []
    (again,) = await take(database, after(3))
    assert (again.connection, again.failures) == (first.connection, 1)
    async with database.begin() as connection:
        (state,) = [
            one for one in await polls.states(connection) if one.connection == first.connection
        ]
    assert (state.problem, state.polled_at) == ("the shop is away", None)
    await settle(database, again, after(3))
    (last, *_) = await take(database, after(120))
    assert last.failures == 0


async def test_what_a_person_asks_for_is_taken_though_it_is_not_due(database: Database) -> None:
    for one in await take(database, NOON):
        await settle(database, one, NOON)
    assert len(await take(database, after(1), at_once=True)) == 2
    assert await take(database, after(1), "two", at_once=True) == []


async def test_a_turn_that_is_given_back_is_due_at_once(database: Database) -> None:
    (first, *_) = await take(database, NOON)
    async with database.begin() as connection:
        await polls.give_back(connection, first, now=after(1))
    assert [one.connection for one in await take(database, after(1), "two")] == [first.connection]
