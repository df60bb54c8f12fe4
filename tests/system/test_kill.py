"""`kill -9` of each process in the middle of a rush: nothing is lost, nothing happens twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from deployments.demo.cast import Person
from tests.system.shop import Bought, Shop
from tests.system.watch import Watch

ORDERS = 500
PER_SECOND = 160.0
HOT, OTHERS, NEWCOMERS = 5, 45, 20

pytestmark = pytest.mark.durability


@pytest.mark.parametrize("victim", ["gateway", "worker-1", "prefect", "postgres"])
async def test_a_kill_in_the_middle_of_500_orders_costs_nothing(
    shop: Shop, watch: Watch, victim: str
) -> None:
    people = shop.people(HOT + OTHERS)
    await shop.sign_up(people)
    await watch.worked_off()
    orders = rush(shop, people)

    selling = asyncio.create_task(shop.sell(orders, per_second=PER_SECOND))
    welcoming = asyncio.create_task(shop.sign_up(shop.people(NEWCOMERS)))
    while len(shop.waits) < len(people) + ORDERS // 3:
        await asyncio.sleep(0.01)
    dead = watch.hub.kill(victim)
    killed_at = time.monotonic()
    await asyncio.gather(selling, welcoming)
    await watch.calm()
    print(
        f"\n{victim}: calm {time.monotonic() - killed_at:.1f} s after the kill; "
        f"{shop.refusals} webhooks sent again, the slowest took {max(shop.waits):.1f} s"
    )

    assert watch.hub.pid(victim) != dead
    await watch.check_books(orders)
    assert await watch.wrong_messages() == []
    await a_later_order_is_handled_at_once(shop, watch)


def rush(shop: Shop, people: Sequence[Person]) -> list[Bought]:
    """Half of the orders are of a few people, so that their events meet in many batches."""
    hot, others = people[:HOT], people[HOT:]
    turns = range(ORDERS // 2)
    return shop.orders([who for n in turns for who in (hot[n % HOT], others[n % OTHERS])])


async def a_later_order_is_handled_at_once(shop: Shop, watch: Watch) -> None:
    """At rest it takes tens of milliseconds; the bound is one that a busy machine keeps too."""
    [bought] = shop.orders(shop.people(1))
    started = time.monotonic()
    await shop.sell([bought])
    await watch.booked(bought)
    assert time.monotonic() - started < 5
    await watch.worked_off()
