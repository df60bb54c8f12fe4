"""Amounts that differ: told with both sides, and repaired where the vendor's is the newer one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.shopify.sandbox import ShopifySandbox
from flows.drift_report import rows_of
from flows.polling import Walked
from tests.flows.reconcile.round import Round
from tests.flows.sending.office import Office

SHOP = "shopify/main"


@pytest.fixture
async def booked(round_: Round, shop: ShopifySandbox) -> Round:
    """An hour ago, everything was asked and booked."""
    order = shop.resources["orders"][0]
    order |= {"refunds": [], "financial_status": "paid"}
    shop.resources["orders"] = [order]
    await round_.go()
    await round_.book()
    return round_


def change(shop: ShopifySandbox, *, minutes: int, **fields: Any) -> str:
    """Changes the shop's order; its new instant of change."""
    [order] = shop.resources["orders"]
    moment = datetime.fromisoformat(order["updated_at"]) + timedelta(minutes=minutes)
    order |= {**fields, "updated_at": moment.isoformat()}
    return moment.astimezone(UTC).isoformat()


async def again(round_: Round) -> Walked:
    """Asks again from a day ago."""
    round_.since = datetime.now(UTC) - timedelta(days=1)
    return (await round_.go(at_once=True))[SHOP]


async def points(office: Office) -> int:
    """What the order has earned by now."""
    [row] = await office.rows(
        "select coalesce(sum(points), 0) as points from entries where sale = 'shopify/main:4501'"
    )
    return int(row.points)


async def test_the_same_amounts_are_no_drift(booked: Round) -> None:
    found = await again(booked)
    assert (found.new, found.counts["differing"]) == (0, 0)


async def test_an_edit_that_was_missed_is_told_and_repaired(
    booked: Round, shop: ShopifySandbox, office: Office
) -> None:
    before = await points(office)
    line = {"id": 45010, "title": "Sencha", "quantity": 2, "price": "30.00"}
    moment = change(shop, minutes=1, total_price="60.00", line_items=[line])
    found = await again(booked)
    assert (found.counts["differing"], found.counts["repaired"]) == (1, 1)
    [difference] = found.differing
    assert (difference.what, difference.here, difference.there) == (
        "order 4501", "24.00 EUR", "60.00 EUR",
    )  # fmt: skip
    assert moment in difference.end
    assert rows_of(found)[-1]["kind"] == "differs"
    await booked.book()
    assert before == 24
    assert await points(office) == 60
    settled = await again(booked)
    assert (settled.new, settled.counts["differing"]) == (0, 0)


async def test_another_amount_at_the_same_revision_is_told_and_left_to_a_person(
    booked: Round, shop: ShopifySandbox, office: Office
) -> None:
    change(shop, minutes=0, total_price="99.00")
    found = await again(booked)
    assert (found.new, found.counts["differing"], found.counts["repaired"]) == (0, 1, 0)
    assert "a person has to look" in found.differing[0].end
    await booked.book()
    assert await points(office) == 24


async def test_a_list_that_lags_behind_its_own_webhooks_is_no_drift(
    booked: Round, shop: ShopifySandbox, office: Office
) -> None:
    [order] = shop.resources["orders"]
    line = {"id": 45010, "title": "Sencha", "quantity": 2, "price": "30.00"}
    moment = datetime.fromisoformat(order["updated_at"]) + timedelta(minutes=3)
    newer = {**order, "total_price": "60.00", "line_items": [line]}
    await booked.tell("orders/updated", {**newer, "updated_at": moment.isoformat()}, shop)
    await booked.book()
    found = await again(booked)
    assert (found.new, found.counts["differing"]) == (0, 0)
    assert await points(office) == 60


async def test_a_refund_of_another_amount_is_told(
    booked: Round, shop: ShopifySandbox, office: Office
) -> None:
    [order] = shop.resources["orders"]
    money = {"kind": "refund", "status": "success", "amount": "12.00", "currency": "EUR"}
    line = {"line_item_id": 45010, "quantity": 1, "subtotal": "12.00", "total_tax": "0.00"}
    refund = {
        "id": 1, "order_id": 4501, "created_at": order["updated_at"], "transactions": [money],
        "processed_at": order["updated_at"], "refund_line_items": [line],
    }  # fmt: skip
    await booked.tell("refunds/create", refund, shop)
    other = {**refund, "transactions": [{**money, "amount": "18.00"}]}
    change(shop, minutes=2, refunds=[other])
    found = await again(booked)
    [difference] = found.differing
    assert (difference.here, difference.there) == ("12.00 EUR", "18.00 EUR")
    assert not difference.is_repaired
