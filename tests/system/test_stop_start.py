"""Torn away in the middle of a rush, and started again in the same home."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from tests.running_hub import start_again
from tests.system.shop import Shop
from tests.system.watch import Watch

pytestmark = [pytest.mark.durability, pytest.mark.long]

ORDERS, PER_SECOND = 300, 100.0


async def test_a_hub_that_is_torn_away_in_a_rush_goes_on_where_it_was(
    shop: Shop, watch: Watch
) -> None:
    """SIGKILL: its processes are left behind, and the next start has to deal with them."""
    people = shop.people(20)
    await shop.sign_up(people)
    await watch.calm()
    orders = shop.orders(people * (ORDERS // len(people)))
    selling = asyncio.create_task(shop.sell(orders, per_second=PER_SECOND))
    while len(shop.waits) < len(people) + ORDERS // 3:
        await asyncio.sleep(0.01)
    os.kill(watch.hub.process.pid, signal.SIGKILL)
    await asyncio.to_thread(watch.hub.process.wait, 60)

    started_at = time.monotonic()
    await asyncio.to_thread(start_again, watch.hub)
    starting = time.monotonic() - started_at
    await selling
    took = await watch.calm()
    print(
        f"\nstarted again in {starting:.1f} s, "
        f"calm {took:.1f} s later; {shop.refusals} webhooks were sent again"
    )
    await watch.check_books(orders)
    assert await watch.wrong_messages() == []
