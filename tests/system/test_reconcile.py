"""An order that no webhook told: found within seconds of a ring, booked once, and reported."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from loyalty.store import polls
from tests.system.conftest import until
from tests.system.shop import Shop
from tests.system.watch import Watch

SHOP = "shopify/main"
SALE = "shopify/main:4501"
HEARD_SECONDS = 10.0
"""From the ring to the books; at rest it takes about one, two cores shared by all give more."""


async def test_an_order_that_no_webhook_told_is_found_and_earns_once(
    shop: Shop, watch: Watch
) -> None:
    async def asked_before() -> bool:
        rows = await watch.rows("select 1 from polls where connection = :slug and cursor <> ''"
                                " and owner = ''", slug=SHOP)  # fmt: skip
        return bool(rows)

    await until(asked_before, 20)
    since = datetime.now(UTC)
    staged = (await watch.vendors.post("/shopify/_sandbox/stage")).json()
    started = time.monotonic()
    async with watch.books.begin() as connection:
        await polls.ring(connection, [SHOP], now=datetime.now(UTC))

    async def settled() -> Any:
        rows = await watch.rows(
            "select sum(points) as points, count(*) as n from entries where sale = :sale"
            " having count(*) > 1",
            sale=SALE,
        )
        return rows[0] if rows else None

    booked = await until(settled, HEARD_SECONDS)
    assert time.monotonic() - started < HEARD_SECONDS
    assert booked.points == 12, "24 euros, of which 12 went back"

    for one in staged:
        await shop.send(one["topic"], one["payload"])
    await watch.worked_off()
    assert tuple(await settled()) == tuple(booked)
    rows = await watch.rows(
        "select count(*) as n from inbox where type = 'order.paid' and key in ('4501', '4502')"
    )
    assert rows[0].n == 2

    async def drift() -> Any:
        return await watch.events("loyalty.reconcile.drift", since)

    [event, *_] = await until(drift, 15)
    assert event["payload"]["connection"] == SHOP
    assert "shopify/main:order.paid:4501" in event["payload"]["events"]
    table = await until(lambda: table_of(watch), 10)
    assert "missed by webhook" in table


async def table_of(watch: Watch) -> str:
    """The newest table that a run of `reconcile` left."""
    wanted = {"artifacts": {"key": {"any_": ["reconcile"]}}, "sort": "CREATED_DESC", "limit": 1}
    found = (await watch.api.post("/artifacts/filter", json=wanted)).json()
    return str(found[0]["data"]) if found else ""
