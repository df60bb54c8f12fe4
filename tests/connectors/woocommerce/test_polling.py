"""What a look at the shop tells, and where the next one goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.kit.poll import Page
from connectors.kit.webhook import Source
from connectors.woocommerce.account import WooCommerceAccount
from connectors.woocommerce.client import WooCommerceClient
from connectors.woocommerce.polling import changed_since
from connectors.woocommerce.sandbox import SANDBOX_ACCOUNT, WooCommerceSandbox

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
SOURCE = Source("woocommerce", "main")


def order(number: int, changed: datetime, **fields: Any) -> dict[str, Any]:
    when = changed.replace(tzinfo=None).isoformat()
    return {
        "id": number,
        "status": "processing",
        "currency": "EUR",
        "total": "10.00",
        "date_created_gmt": when,
        "date_modified_gmt": when,
        "line_items": [],
        **fields,
    }


async def look(stage: Any, sandbox: WooCommerceSandbox, cursor: str = "") -> list[Page]:
    on, base_url = stage
    on.current = sandbox.app()
    fields = {**SANDBOX_ACCOUNT, "base_url": base_url}
    client = WooCommerceClient(WooCommerceAccount.model_validate(fields))
    try:
        pages = changed_since(client, SOURCE, cursor=cursor, now=NOW)
        return [page async for page in pages]
    finally:
        await client.aclose()


def keys(pages: list[Page]) -> list[str]:
    return [event.key for page in pages for event in page.events]


async def test_it_stops_at_what_was_told_before(stage: Any) -> None:
    """Of 500 orders, one a minute, those of the last hour are two pages, with the clocks' hour."""
    sandbox = WooCommerceSandbox()
    sandbox.orders = [order(n, NOW - timedelta(minutes=n)) for n in range(1, 501)]
    cursor = (NOW - timedelta(hours=1)).isoformat()
    pages = await look(stage, sandbox, cursor)
    assert keys(pages) == [str(n) for n in range(1, 63)]
    assert [count for path, count in sandbox.calls.items() if path.endswith("/orders")] == [2]


async def test_the_cursor_moves_on_the_last_page_alone(stage: Any) -> None:
    sandbox = WooCommerceSandbox()
    sandbox.orders = [order(n, NOW - timedelta(minutes=n)) for n in range(1, 251)]
    cursor = (NOW - timedelta(days=1)).isoformat()
    pages = await look(stage, sandbox, cursor)
    assert len(keys(pages)) == 250
    assert {page.cursor for page in pages[:-1]} == {cursor}
    assert pages[-1].cursor == (NOW - timedelta(minutes=1)).isoformat()


async def test_the_cursor_never_runs_ahead_of_the_look(stage: Any) -> None:
    sandbox = WooCommerceSandbox()
    sandbox.orders = [order(1, NOW + timedelta(minutes=5))]
    pages = await look(stage, sandbox)
    assert keys(pages) == ["1"]
    assert pages[-1].cursor == NOW.isoformat()


async def test_a_record_that_cannot_be_read_does_not_stop_the_others(stage: Any) -> None:
    sandbox = WooCommerceSandbox()
    sandbox.orders = [
        order(1, NOW - timedelta(minutes=1), total="much"),
        order(2, NOW - timedelta(minutes=2)),
        order(3, NOW - timedelta(minutes=3), currency="WOO"),
        order(4, NOW - timedelta(minutes=4), date_modified_gmt="soon"),
    ]
    pages = await look(stage, sandbox)
    assert keys(pages) == ["2"]
    told = sorted(reason for page in pages for reason in page.unreadable)
    assert [reason.split(":")[0] for reason in told] == ["1", "3", "4"]


@pytest.mark.parametrize("changed", [None, "2026-11-02T11:30:00"])
async def test_a_new_customer_is_told_and_so_is_what_they_changed(
    stage: Any, changed: str | None
) -> None:
    sandbox = WooCommerceSandbox()
    new = "2026-11-02T11:00:00"
    sandbox.customers[7003] = {
        "id": 7003,
        "email": "ada@shop.example",
        "date_created_gmt": new,
        "date_modified_gmt": changed or new,
    }
    expected = ["7003", f"7003:{changed}+00:00"] if changed else ["7003"]
    assert keys(await look(stage, sandbox)) == expected


async def test_an_empty_shop_is_asked_from_the_same_moment_again(stage: Any) -> None:
    pages = await look(stage, WooCommerceSandbox())
    assert keys(pages) == []
    assert pages[-1].cursor == (NOW - timedelta(days=3)).isoformat()
