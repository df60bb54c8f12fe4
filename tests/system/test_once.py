"""One business fact counts once, however often and however it is told."""

from __future__ import annotations

import asyncio

from tests.system.shop import Shop
from tests.system.watch import Watch


async def test_an_order_told_three_times_and_again_by_another_delivery_counts_once(
    shop: Shop, watch: Watch
) -> None:
    [buyer] = shop.people(1)
    await shop.sign_up([buyer])
    await watch.worked_off()
    [bought] = shop.orders([buyer])
    for _ in range(3):
        await shop.send("orders/paid", bought.body, delivery_id="the-same")
    twice = [shop.send("orders/paid", bought.body, delivery_id="the-same") for _ in range(2)]
    await asyncio.gather(*twice)
    await shop.send("orders/paid", bought.body, delivery_id="another")
    await shop.send("orders/paid", {**bought.body, "note": "sent by a poll"}, delivery_id="third")
    await watch.worked_off()

    entries = await watch.rows(
        "select sum(points) as points from entries where sale = :sale",
        sale=f"shopify/main:{bought.id}",
    )
    assert entries[0].points == bought.points
    arrived = await watch.messages_about(bought)
    assert arrived == {"sms": 1, "row": 1, "event": 1}
    assert await watch.wrong_messages() == []


async def test_an_order_told_from_ten_sides_at_once_counts_once(shop: Shop, watch: Watch) -> None:
    [buyer] = shop.people(1)
    [bought] = shop.orders([buyer])
    await asyncio.gather(*(shop.send("orders/paid", bought.body) for _ in range(10)))
    await watch.worked_off()
    rows = await watch.rows(
        "select rule, points from entries where sale = :sale", sale=f"shopify/main:{bought.id}"
    )
    assert sum(row.points for row in rows) == bought.points
    assert len({row.rule for row in rows}) == len(rows)
    assert await watch.wrong_messages() == []
