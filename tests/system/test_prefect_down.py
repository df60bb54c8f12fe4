"""Prefect is away: webhooks are acknowledged as ever, and the backlog is worked off afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import pytest

from tests.system.shop import Shop
from tests.system.watch import Watch

pytestmark = pytest.mark.durability

ORDERS, PER_SECOND = 160, 20.0


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A process that takes connections and answers none."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_a_prefect_server_that_hangs_holds_up_neither_webhooks_nor_books(
    shop: Shop, watch: Watch
) -> None:
    people = shop.people(20)
    await shop.sign_up(people)
    await watch.calm()
    orders = shop.orders(people * (ORDERS // len(people)))
    shop.waits.clear()
    with frozen(watch.hub.pid("prefect")):
        await shop.sell(orders, per_second=PER_SECOND)
        waits = list(shop.waits)
        booked = await booked_of(watch, [f"shopify/main:{one.id}" for one in orders])
    took = await watch.calm()
    print(
        f"\nacknowledged in {median(waits) * 1000:.0f} ms (median), {max(waits) * 1000:.0f} ms "
        f"(slowest); {booked} of {ORDERS} booked meanwhile; calm {took:.1f} s after it was back"
    )
    assert shop.refusals == 0
    assert median(waits) < 0.1
    assert max(waits) < 2
    await watch.check_books(orders)
    assert await watch.wrong_messages() == []


@pytest.mark.long
async def test_a_prefect_server_that_dies_again_and_again_loses_nothing(
    shop: Shop, watch: Watch
) -> None:
    people = shop.people(20)
    await shop.sign_up(people)
    await watch.calm()
    orders = shop.orders(people * (ORDERS // len(people)))
    selling = asyncio.create_task(shop.sell(orders, per_second=PER_SECOND))
    until_when = time.monotonic() + 10
    killed = 0
    while time.monotonic() < until_when:
        killed += await kill_if_it_is_back(watch)
        await asyncio.sleep(0.5)
    await selling
    took = await watch.calm(120)
    print(f"\nkilled {killed} times; calm {took:.1f} s after the last")
    assert shop.refusals == 0
    await watch.check_books(orders)
    assert await watch.wrong_messages() == []
    assert await left_open(watch) == []


async def kill_if_it_is_back(watch: Watch) -> bool:
    try:
        watch.hub.kill("prefect")
    except ProcessLookupError:
        return False
    return True


async def booked_of(watch: Watch, sales: list[str]) -> int:
    rows = await watch.rows(
        "select count(distinct sale) as n from entries where sale = any(:sales)", sales=sales
    )
    return int(rows[0].n)


async def left_open(watch: Watch) -> list[str]:
    """Runs that worked off events and were never closed."""
    return [run["name"] for run in await watch.open_runs() if "standing by" not in run["name"]]
