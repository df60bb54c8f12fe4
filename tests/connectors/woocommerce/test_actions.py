"""What the hub does at WooCommerce: coupons, meta fields, and how refusals are understood."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.kit.action import Job
from connectors.kit.capabilities import CouponIssue, CustomerChange
from connectors.kit.errors import (
    AuthError,
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    ScopeError,
)
from connectors.kit.sandbox import Fault
from connectors.kit.subscriptions import Wanted, ensure
from connectors.woocommerce.account import WooCommerceAccount
from connectors.woocommerce.client import WooCommerceClient
from connectors.woocommerce.coupons import MARK, find_coupon, issue_coupon
from connectors.woocommerce.customers import update_customer
from connectors.woocommerce.records import id_of
from connectors.woocommerce.sandbox import SANDBOX_ACCOUNT, WooCommerceSandbox
from connectors.woocommerce.subscriptions import SUBSCRIPTIONS

AT = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
Open = Callable[..., Any]


@pytest.fixture
async def shop(stage: Any) -> AsyncIterator[tuple[WooCommerceSandbox, Open]]:
    """A sandbox, and a way to open clients of it."""
    sandbox = WooCommerceSandbox()
    on, base_url = stage
    on.current = sandbox.app()
    clients: list[WooCommerceClient] = []

    def opened(**changes: Any) -> WooCommerceClient:
        account = {**SANDBOX_ACCOUNT, "base_url": base_url, **changes}
        clients.append(WooCommerceClient(WooCommerceAccount.model_validate(account)))
        return clients[-1]

    yield sandbox, opened
    for client in clients:
        await client.aclose()


def coupon(**changes: Any) -> Job:
    fields = {
        "email": "mila.brandt@shop.example",
        "code": "MILA-4711",
        "value": "10.00",
        "currency": "EUR",
        "starts_at": AT,
        **changes,
    }
    return Job("order-1:thanks", CouponIssue.model_validate(fields))


COUPONS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"discount_type": "fixed_cart", "amount": "10.00", "usage_limit": 1}),
    ({"kind": "percent", "value": "12.5"}, {"discount_type": "percent", "amount": "12.5"}),
    (
        {"kind": "free_shipping", "value": 0},
        {"discount_type": "fixed_cart", "amount": "0", "free_shipping": True},
    ),
    ({"minimum": "30.00", "uses": 3}, {"minimum_amount": "30.00", "usage_limit": 3}),
    (
        {"ends_at": datetime.fromisoformat("2026-12-01T01:00:00+01:00")},
        {"date_expires": "2026-12-01T00:00:00Z"},
    ),
    ({"title": "Ten off"}, {"description": "Ten off", "code": "mila-4711"}),
    ({}, {"email_restrictions": ["mila.brandt@shop.example"]}),
    (
        {"email": "", "customer_id": "7001"},
        {"email_restrictions": ["mila.brandt@shop.example"]},
    ),
]


async def test_a_coupon_is_what_was_asked_for(shop: Any) -> None:
    sandbox, opened = shop
    client = opened()
    for changes, expected in COUPONS:
        sandbox.coupons.clear()
        issued = await issue_coupon(client, coupon(**changes))
        [made] = sandbox.coupons.values()
        assert {name: made[name] for name in expected} == expected
        assert (issued.vendor_id, issued.code) == (str(made["id"]), "MILA-4711")


async def test_a_coupon_of_the_same_code_that_is_not_ours_is_never_taken_for_it(shop: Any) -> None:
    _, opened = shop
    client = opened()
    await issue_coupon(client, coupon())
    other = replace(coupon(), key="order-2:thanks")
    assert await find_coupon(client, other) is None
    with pytest.raises(Conflict, match="this code already") as caught:
        await issue_coupon(client, other)
    assert caught.value.vendor_code == "woocommerce_rest_coupon_code_already_exists"


async def test_the_mark_is_hidden_and_tells_nothing_of_the_job(shop: Any) -> None:
    sandbox, opened = shop
    await issue_coupon(opened(), coupon())
    made = sandbox.coupons["mila-4711"]
    [mark] = made["meta_data"]
    assert mark["key"] == MARK
    assert MARK.startswith("_")
    assert "order-1" not in mark["value"]


async def test_a_coupon_in_another_currency_is_refused_before_any_call(shop: Any) -> None:
    sandbox, opened = shop
    with pytest.raises(InvalidRequest, match="in USD, but the shop's coupons are in EUR"):
        await issue_coupon(opened(currency="EUR"), coupon(currency="USD"))
    assert not sandbox.calls
    assert (await issue_coupon(opened(currency="EUR"), coupon())).vendor_id


STRANGERS: list[tuple[dict[str, str], type[ConnectorError], str]] = [
    ({"phone": "+15005550123"}, NotFound, "by id or e-mail"),
    ({"external_id": "m-1"}, NotFound, "by id or e-mail"),
    ({"customer_id": "9999"}, NotFound, "Invalid resource ID"),
    ({"customer_id": "7001/../1"}, InvalidRequest, "are numbers"),
    ({"customer_id": "²"}, InvalidRequest, "are numbers"),
]


async def test_somebody_unknown_gets_no_coupon(shop: Any) -> None:
    sandbox, opened = shop
    client = opened()
    for whom, kind, says in STRANGERS:
        with pytest.raises(kind, match=says):
            await issue_coupon(client, coupon(email="", **whom))
    assert "mila-4711" not in sandbox.coupons


# --- meta fields -----------------------------------------------------------------------------


async def change(client: Any, **fields: Any) -> str:
    found = CustomerChange.model_validate({"customer_id": "7001", **fields})
    return (await update_customer(client, Job("job", found))).vendor_id


def meta(sandbox: WooCommerceSandbox) -> dict[str, str]:
    return {one["key"]: one["value"] for one in sandbox.customers[7001]["meta_data"]}


async def test_fields_are_texts_and_none_clears_them(shop: Any) -> None:
    sandbox, opened = shop
    client = opened()
    values = {"points": 120, "tier name": "Gold", "is vip": True, "spent": Decimal("12.50")}
    assert await change(client, fields=values) == "7001"
    assert meta(sandbox) == {
        "loyalty_points": "120",
        "loyalty_tier_name": "Gold",
        "loyalty_is_vip": "true",
        "loyalty_spent": "12.50",
    }
    await change(client, fields={"points": None, "tier name": None})
    assert set(meta(sandbox)) == {"loyalty_is_vip", "loyalty_spent"}


async def test_tags_are_added_to_those_that_are_there(shop: Any) -> None:
    sandbox, opened = shop
    client = opened(meta_prefix="hub_")
    await change(client, add_tags=("silver", "b2b"))
    await change(client, add_tags=("gold",), remove_tags=("silver", "never there"))
    assert meta(sandbox) == {"hub_tags": "b2b,gold"}
    await change(client, remove_tags=("b2b", "gold"))
    assert meta(sandbox) == {}


async def test_a_field_of_a_known_customer_costs_one_call(shop: Any) -> None:
    sandbox, opened = shop
    await change(opened(), fields={"points": 1})
    [(call, times)] = sandbox.calls.items()
    assert call.startswith("PUT ")
    assert call.endswith("/wp-json/wc/v3/customers/7001")
    assert times == 1


REFUSED: list[tuple[dict[str, Any], type[ConnectorError]]] = [
    ({"add_tags": ("a,b",)}, InvalidRequest),
    ({"fields": {"größe": 1}}, InvalidRequest),
    ({"customer_id": "", "email": "nobody@shop.example", "add_tags": ("a",)}, NotFound),
    ({"customer_id": "8000", "fields": {"points": 1}}, NotFound),
]


async def test_what_cannot_be_written_is_refused(shop: Any) -> None:
    sandbox, opened = shop
    client = opened()
    for fields, kind in REFUSED:
        with pytest.raises(kind):
            await change(client, **fields)
    assert not sandbox.records


# --- refusals and webhooks -------------------------------------------------------------------

READ_ONLY = "The API key provided does not have write permissions."


CODES: list[tuple[int, str, str, type[ConnectorError]]] = [
    (401, "woocommerce_rest_authentication_error", READ_ONLY, ScopeError),
    (401, "woocommerce_rest_authentication_error", "Consumer key is invalid.", AuthError),
    (401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.", AuthError),
    (403, "woocommerce_rest_cannot_create", "Sorry, you are not allowed.", ScopeError),
    (400, "woocommerce_rest_invalid_id", "Invalid resource ID.", NotFound),
    (400, "rest_invalid_param", "Invalid parameter(s): orderby", InvalidRequest),
    (404, "rest_no_route", "No route was found.", NotFound),
]


async def test_the_shops_own_codes_say_what_to_do(shop: Any) -> None:
    sandbox, opened = shop
    client = opened()
    for status, code, message, kind in CODES:
        body = f'{{"code":"{code}","message":"{message}"}}'
        sandbox.faults.append(Fault(status=status, body=body))
        with pytest.raises(ConnectorError) as caught:
            await client.check()
        assert type(caught.value) is kind
        assert caught.value.vendor_code == code


async def test_a_webhook_that_was_switched_off_is_made_anew(shop: Any) -> None:
    """After five failures WooCommerce disables it; a second look at it is one too many."""
    sandbox, opened = shop
    client = opened()
    wanted = Wanted("https://hub.example/hooks/woocommerce/main", SUBSCRIPTIONS.topics)
    made = await ensure(SUBSCRIPTIONS, client, wanted, now=AT)
    dead = int(made.created[0].id)
    sandbox.webhooks[dead]["status"] = "disabled"
    done = await ensure(SUBSCRIPTIONS, client, wanted, now=AT)
    assert [one.id for one in done.removed] == [str(dead)]
    assert [one.topics for one in done.created] == [made.created[0].topics]
    assert {one["status"] for one in sandbox.webhooks.values()} == {"active"}


async def test_more_webhooks_than_a_page_are_all_seen(shop: Any) -> None:
    sandbox, opened = shop
    for number in range(1, 251):
        sandbox.webhooks[number] = {"id": number, "topic": "order.updated", "status": "active"}
    assert len(await SUBSCRIPTIONS.listed(opened())) == 250


@pytest.mark.parametrize("record", [{}, {"id": None}, {"id": True}, {"id": "x"}, []])
def test_an_answer_without_an_id_is_no_success(record: Any) -> None:
    with pytest.raises(ConnectorBug):
        id_of(record)
