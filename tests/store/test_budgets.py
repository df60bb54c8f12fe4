"""Budgets: never more than burst + rate x time in any window, whoever takes.

And in any one second never more than the larger of burst and rate.
"""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from loyalty.store import budgets
from loyalty.store.budgets import Departure, Grant
from loyalty.store.database import Database

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAME = "limit:slack:main"


def after(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


async def define(database: Database, burst: int, rate: str, **fields: Any) -> None:
    """Defines the budget."""
    async with database.begin() as connection:
        await budgets.define(
            connection,
            NAME,
            burst=burst,
            per_second=Decimal(rate),
            **{"is_active": True, "now": NOON, **fields},
        )


async def take(database: Database, wanted: int, seconds: float) -> Grant:
    """Takes slots."""
    async with database.begin() as connection:
        return await budgets.take(connection, NAME, wanted, now=after(seconds))


async def test_a_full_bucket_gives_its_burst_and_then_its_rate(database: Database) -> None:
    await define(database, 5, "2")
    assert await take(database, 3, 0) == Grant(3, None)
    assert await take(database, 3, 0) == Grant(2, after(1.0))
    assert await take(database, 3, 0.99) == Grant(0, after(1.0))
    assert await take(database, 3, 1.0) == Grant(2, after(1.5))
    assert await take(database, 3, 1.5) == Grant(1, after(2.0))
    assert await take(database, 9, 60) == Grant(5, after(61))


async def test_at_the_instant_that_was_named_there_is_a_slot(database: Database) -> None:
    for day, rate in enumerate(("0.3", "0.9", "7", "13", "999.9")):
        await define(database, 1, rate)
        moment = NOON + timedelta(days=day)
        async with database.begin() as connection:
            await budgets.take(connection, NAME, 1, now=moment)
            for _ in range(5):
                grant = await budgets.take(connection, NAME, 1, now=moment)
                assert grant.slots == 0
                assert grant.retry_at is not None
                assert grant.retry_at > moment
                moment = grant.retry_at
                again = await budgets.take(connection, NAME, 1, now=moment)
                assert again == Grant(1, None)


async def test_eight_takers_at_once_never_exceed_it_in_any_window(database: Database) -> None:
    burst, rate = 7, 5
    await define(database, burst, str(rate))
    taken: list[tuple[float, int]] = []
    clock = iter(range(10_000))

    async def taker(number: int) -> None:
        chance = random.Random(number)
        for _ in range(25):
            seconds = next(clock) * 0.05  # a clock for all of them, not always in order
            await asyncio.sleep(chance.random() / 500)
            grant = await take(database, chance.randint(1, 6), seconds)
            taken.append((seconds, grant.slots))

    await asyncio.gather(*(taker(number) for number in range(8)))
    end = max(seconds for seconds, _ in taken)
    for start, _ in taken:
        for stop, _ in taken:
            if start <= stop:
                inside = sum(slots for at, slots in taken if start <= at <= stop)
                # The takers' clocks differ by up to eight steps.
                assert inside <= burst + rate * (stop - start + 8 * 0.05)
    total = sum(slots for _, slots in taken)
    assert rate * end - burst <= total <= burst + rate * end + 1


@pytest.mark.parametrize(("burst", "rate"), [(14, "14"), (9, "9"), (3, "11"), (7, "2.1")])
async def test_two_workers_never_exceed_the_figure_in_any_second(
    database: Database, burst: int, rate: str
) -> None:
    """Where the vendor counts by the second, burst and rate together must not come to double."""
    await define(database, burst, rate)
    taken: list[tuple[float, int]] = []
    workers = [(Database(database.url), random.Random(number)) for number in (1, 2)]

    async def worker(number: int, seconds: float) -> None:
        other, chance = workers[number]
        grant = await take(other, chance.randint(1, 9), seconds)
        taken.append((seconds, grant.slots))

    # Side by side, a step apart: a worker that the machine holds up must not lag behind for long.
    for place in range(0, 400, 2):
        await asyncio.gather(worker(0, place * 0.037), worker(1, (place + 1) * 0.037))
    for other, _ in workers:
        await other.aclose()
    most = max(burst, int(float(rate)))
    for start, _ in taken:
        # Two clocks that are one step apart, as two machines' may be.
        inside = sum(slots for at, slots in taken if start <= at < start + 1 - 0.037)
        assert inside <= most, f"{inside} in the second from {start}"
    used = sum(slots for _, slots in taken)
    assert used >= 0.9 * float(rate) * 400 * 0.037


async def test_slots_whose_calls_left_late_count_from_when_they_left(database: Database) -> None:
    await define(database, 4, "4")
    assert (await take(database, 4, 0)).slots == 4
    late = Departure(NOON, after(0.3))
    async with database.begin() as connection:
        grant = await budgets.take(connection, NAME, 4, now=after(1), before=late)
    assert grant == Grant(0, after(1.3))
    assert (await take(database, 4, 1.3)).slots == 4


async def test_a_pause_gives_nothing_and_the_longest_one_counts(database: Database) -> None:
    await define(database, 5, "5")
    async with database.begin() as connection:
        await budgets.block(connection, NAME, after(60))
        await budgets.block(connection, NAME, after(30))
    assert await take(database, 1, 0) == Grant(0, after(60))
    assert await take(database, 1, 59.9) == Grant(0, after(60))
    assert await take(database, 9, 60) == Grant(5, after(61))


async def test_a_budget_that_is_switched_off_lets_everything_pass(database: Database) -> None:
    await define(database, 1, "1", is_active=False)
    assert await take(database, 1000, 0) == Grant(1000, None)
    await define(database, 1, "1")
    assert await take(database, 2, 0) == Grant(1, after(1))


async def test_a_changed_budget_keeps_what_was_taken(database: Database) -> None:
    await define(database, 10, "1")
    assert await take(database, 8, 0) == Grant(8, None)
    await define(database, 5, "4", now=after(100))
    assert await take(database, 1, 0) == Grant(0, after(1))
    assert await take(database, 1, 1) == Grant(1, None)


async def test_a_budget_can_be_left_as_it_is(database: Database) -> None:
    await define(database, 10, "1")
    await define(database, 99, "9", replace=False)
    assert await take(database, 99, 0) == Grant(10, after(1))


async def test_a_clock_that_goes_back_gives_nothing_extra(database: Database) -> None:
    await define(database, 5, "1")
    assert await take(database, 5, 100) == Grant(5, None)
    assert (await take(database, 5, 10)).slots == 0
    assert (await take(database, 5, 100.5)).slots == 0
    assert await take(database, 5, 102) == Grant(2, after(103))


@pytest.mark.parametrize("rate", ["0", "0.0001"])
async def test_a_budget_that_hardly_refills_says_when(database: Database, rate: str) -> None:
    await define(database, 1, rate)
    assert await take(database, 1, 0) == Grant(1, None)
    grant = await take(database, 1, 0)
    assert grant == Grant(0, after(3600 if rate == "0" else 10_000))


async def test_without_a_budget_nothing_may_be_sent(database: Database) -> None:
    with pytest.raises(LookupError, match="there is no budget 'limit:slack:main'"):
        await take(database, 1, 0)
