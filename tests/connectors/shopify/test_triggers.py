"""What Shopify's webhooks become."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.kit.registry import HOUSE
from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    Source,
    Unreadable,
    decode_json,
)
from connectors.shopify.account import ShopifyAccount
from connectors.shopify.sandbox import SANDBOX_ACCOUNT, ShopifySandbox
from connectors.shopify.triggers import WEBHOOK
from loyalty.eligibility import EligibilityPolicy, eligible_amount
from loyalty.events import Channel, ConsentState, Event, EventType, Order, Refund
from loyalty.money import MoneyError

SOURCE = Source("shopify", "main")
NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
REQUEST = InboundRequest("POST", "https://hub.example/hooks/shopify/main", {}, b"", NOW)


def sample(topic: str, **changes: Any) -> dict[str, Any]:
    path = Path(HOUSE, "shopify", "samples", f"{topic.replace('/', '_')}.json")
    return {**decode_json(path.read_bytes()), **changes}


def parse(topic: str, payload: Any) -> Sequence[Event]:
    return WEBHOOK.triggers[topic].parse(payload, REQUEST, SOURCE)


def order_in(payload: Any, topic: str = "orders/paid") -> Order:
    [event] = parse(topic, payload)
    assert isinstance(event.data, Order)
    return event.data


def line(number: int, price: str, quantity: int = 1, **fields: Any) -> dict[str, Any]:
    return {"id": number, "sku": f"S{number}", "price": price, "quantity": quantity, **fields}


def plain(lines: list[dict[str, Any]], total: str, **fields: Any) -> dict[str, Any]:
    """A small paid order without tax."""
    basics = {"id": 1, "currency": "EUR", "financial_status": "paid"}
    times = {"processed_at": "2026-01-14T09:00:00Z", "updated_at": "2026-01-14T09:30:00Z"}
    return {**basics, **times, "total_price": total, "line_items": lines, **fields}


# --- orders ----------------------------------------------------------------------------------


def test_a_taxed_discounted_order_adds_up_and_earns_on_what_its_goods_cost_without_tax() -> None:
    order = order_in(sample("orders/paid"))
    net = sum((one.net for one in order.lines), Decimal(0))
    assert net + order.tax + order.shipping == order.total == Decimal("92.35")
    assert [one.net for one in order.lines] == [Decimal(n) for n in ("35.85", "13.90", "25.00")]
    assert [one.is_gift_card for one in order.lines] == [False, False, True]
    assert order.shipping == Decimal("5.00")
    assert order.codes == ("WELCOME10",)
    assert eligible_amount(order, EligibilityPolicy()) == Decimal("49.75")


def test_the_envelope_names_the_order_the_store_and_the_business_time_in_utc() -> None:
    [event] = parse("orders/paid", sample("orders/paid"))
    assert event.business_key == "shopify/main:order.paid:202601151001"
    assert event.time == datetime(2026, 1, 14, 8, 10, tzinfo=UTC)
    assert event.time.utcoffset() == timedelta(0)
    assert event.subject == "shopify/main:customer:202601150001"


@pytest.mark.parametrize("status", ["pending", "authorized", "partially_paid", "voided", "", None])
@pytest.mark.parametrize("topic", ["orders/paid", "orders/updated"])
def test_an_order_that_is_not_paid_yields_nothing(topic: str, status: str | None) -> None:
    assert parse(topic, sample(topic, financial_status=status)) == []


def test_the_update_of_a_cancelled_order_does_not_bring_it_back() -> None:
    assert parse("orders/updated", sample("orders/cancelled", financial_status="paid")) == []


def test_an_order_under_the_wrong_topic_is_not_cancelled_by_it() -> None:
    """The topic header is not signed: a captured order must not be replayed as a cancellation."""
    assert parse("orders/cancelled", sample("orders/paid")) == []


def test_every_revision_of_an_order_is_a_fact_of_its_own() -> None:
    first = sample("orders/updated", updated_at="2026-01-14T09:30:00+01:00")
    same = sample("orders/updated", updated_at="2026-01-14T08:30:00Z")
    later = sample("orders/updated", updated_at="2026-01-14T09:30:01+01:00")
    keys = [parse("orders/updated", one)[0].key for one in (first, same, later)]
    assert keys[0] == keys[1] == "202601151001:2026-01-14T08:30:00+00:00"
    assert keys[2] != keys[0]


def test_a_cancellation_says_when_and_why() -> None:
    [event] = parse("orders/cancelled", sample("orders/cancelled"))
    assert event.type is EventType.ORDER_CANCELLED
    assert event.time == datetime(2026, 1, 14, 17, tzinfo=UTC)
    assert (event.data.order_id, event.data.reason) == ("202601151001", "customer")


def test_a_sale_without_a_customer_is_anonymous_and_one_with_an_address_is_not() -> None:
    nobody = sample("orders/paid", customer=None, email="", phone=None)
    [event] = parse("orders/paid", nobody)
    assert event.data.customer is None
    assert event.subject == "shopify/main:202601151001"
    [event] = parse("orders/paid", sample("orders/paid", customer=None, email="Ann@Example.com"))
    assert event.subject == "contact:ann@example.com"


def test_names_keep_their_letters_and_lose_what_no_database_stores() -> None:
    customer = sample("customers/create", first_name="Zoë 🌿", last_name="Ng\x00uyễn" + "n" * 900)
    [event] = parse("customers/create", customer)
    assert event.data.first_name == "Zoë 🌿"
    assert event.data.last_name.startswith("Nguyễn")
    assert len(event.data.last_name) == 500


def test_a_tip_is_no_merchandise() -> None:
    lines = [line(1, "20.00"), line(2, "3.00", tip={"payment_method": "card"})]
    order = order_in(plain(lines, "23.00", total_tip_received="3.00"))
    assert [one.id for one in order.lines] == ["1"]
    assert order.tip == Decimal("3.00")


def test_shipping_is_what_was_charged_for_it() -> None:
    ways = [
        {"price": "9.00", "discounted_price": "4.00"},
        {"price": "9.00", "is_removed": True},
        {"price": "1.00", "discounted_price": None},
    ]
    assert order_in(plain([line(1, "20.00")], "25.00", shipping_lines=ways)).shipping == 5


@pytest.mark.parametrize(
    ("currency", "price"), [("JPY", "1500"), ("KWD", "1.505"), ("EUR", "0.10"), ("eur", "7")]
)
def test_amounts_are_exact_in_every_currency(currency: str, price: str) -> None:
    order = order_in(plain([line(1, price, 3)], price, currency=currency))
    assert order.lines[0].net == Decimal(price) * 3
    assert order.currency == currency.upper()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"total_price": "-5.00"}, "total_price is negative"),
        ({"currency": "XXY"}, "unknown currency"),
        ({"currency": None}, "unknown currency"),
        ({"total_price": "1.005"}, "more decimals"),
        ({"line_items": [line(1, "1.005")]}, "more decimals"),
        ({"total_price": "9" * 40}, "out of range"),
        ({"total_price": "free"}, "not an amount"),
        ({"line_items": [line(1, "1.00", -1)]}, "greater than or equal to 0"),
        ({"line_items": {"id": 1}}, "line_items"),
        ({"processed_at": None, "created_at": None}, "no time"),
        ({"processed_at": "yesterday"}, "processed_at"),
        ({"processed_at": "2026-01-14T09:00:00"}, "timezone"),
        ({"id": None}, "id"),
    ],
)
def test_an_order_that_cannot_be_trusted_is_refused_in_words(
    changes: dict[str, Any], says: str
) -> None:
    with pytest.raises((Unreadable, MoneyError, ValidationError), match=says):
        parse("orders/paid", plain([line(1, "20.00")], "20.00", **changes))


def test_ten_thousand_lines_are_read_and_one_more_is_refused() -> None:
    lines = [line(n, "1.00") for n in range(1, 10_001)]
    began = time.perf_counter()
    assert len(order_in(plain(lines, "10000.00")).lines) == 10_000
    assert time.perf_counter() - began < 5
    with pytest.raises(ValidationError):
        parse("orders/paid", plain([*lines, line(10_001, "1.00")], "10001.00"))


# --- edits and refunds must not count twice --------------------------------------------------


def _gone(number: int, value: str, returned: str | None = None) -> dict[str, Any]:
    """A refund entry of the order: a unit taken out, with or without money."""
    lines = [{"line_item_id": number, "quantity": 1, "subtotal": value}] if number else []
    money = [{"kind": "refund", "status": "success", "amount": returned, "currency": "EUR"}]
    return {"id": 9, "refund_line_items": lines, "transactions": money if returned else []}


TWO = [line(1, "80.00"), line(2, "20.00")]
EDITS = {
    "taken out and owed": (_gone(2, "20.00"), [], "80.00", "-20.00", "100", "100"),
    "taken out, money back": (
        _gone(2, "20.00"), [_gone(0, "0", "20.00")], "80.00", "0.00", "100", "100"),
    "taken out before it was paid": (_gone(2, "20.00"), [], "80.00", "0.00", "80", "80"),
    "a part was owed and paid back": (
        _gone(2, "20.00"), [_gone(0, "0", "5.00")], "80.00", "0.00", "85", "85"),
    "refunded with its money": (_gone(2, "20.00", "20.00"), [], "80.00", "0.00", "100", "100"),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_the_order_is_worth_what_was_paid_for_it_before_refunds(name: str) -> None:
    """Refunds reduce it on their own, so `order less money refunds` is what the shop kept."""
    first, more, current, outstanding, total, eligible = EDITS[name]
    payload = plain(
        TWO, "100.00", current_total_price=current, total_outstanding=outstanding,
        refunds=[first, *more],
    )  # fmt: skip
    order = order_in(payload, "orders/updated")
    assert eligible_amount(order, EligibilityPolicy()) == Decimal(eligible)
    if name != "refunded with its money":
        assert order.total == Decimal(total)


def test_a_refund_takes_its_lines_and_its_money() -> None:
    [event] = parse("refunds/create", sample("refunds/create"))
    refund = event.data
    assert isinstance(refund, Refund)
    assert event.business_key == "shopify/main:order.refunded:202601155001"
    assert refund.order_id == "202601151001"
    assert refund.amount == Decimal("8.55")
    [part] = refund.lines
    assert (part.quantity, part.amount) == (1, Decimal("6.95"))


def test_where_prices_exclude_tax_the_refunded_line_is_taken_as_listed() -> None:
    payload = sample("refunds/create")
    payload["transactions"][0]["amount"] = "10.15"
    [event] = parse("refunds/create", payload)
    assert event.data.amount == Decimal("10.15")
    assert event.data.lines[0].amount == Decimal("8.55")


FAILED = {"kind": "refund", "status": "failure", "amount": "8.55", "currency": "EUR"}


@pytest.mark.parametrize("transactions", [[], None, [FAILED]])
def test_a_refund_that_gives_no_money_back_yields_nothing(transactions: Any) -> None:
    assert parse("refunds/create", sample("refunds/create", transactions=transactions)) == []


def test_a_refund_paid_in_another_currency_counts_in_the_shops() -> None:
    payload = sample("refunds/create")
    payload["transactions"][0].update(amount="9.20", currency="USD")
    [event] = parse("refunds/create", payload)
    assert event.data.currency == "EUR"
    assert event.data.amount == Decimal("10.15")


# --- customers and consent -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("email", "sms", "expected"),
    [
        ("subscribed", "subscribed", {"email": "granted", "sms": "granted"}),
        ("unsubscribed", "pending", {"email": "withdrawn"}),
        ("not_subscribed", "redacted", {}),
        (None, "unsubscribed", {"sms": "withdrawn"}),
    ],
)
def test_only_stated_consent_counts(email: str | None, sms: str, expected: dict[str, str]) -> None:
    payload = sample(
        "customers/create",
        email_marketing_consent=None if email is None else {"state": email},
        sms_marketing_consent={"state": sms},
    )
    [event] = parse("customers/create", payload)
    assert {str(k): str(v) for k, v in event.data.consents.items()} == expected


def test_a_grant_is_an_opt_in_and_anything_else_an_update() -> None:
    topic = "customers_email_marketing_consent/update"
    [event] = parse(topic, sample(topic))
    assert event.type is EventType.CUSTOMER_OPTED_IN
    assert event.data.consents == {Channel.EMAIL: ConsentState.GRANTED}
    left = {"state": "unsubscribed", "consent_updated_at": "2026-01-14T13:00:00Z"}
    [event] = parse(topic, sample(topic, email_marketing_consent=left))
    assert event.type is EventType.CUSTOMER_UPDATED
    assert event.data.consents == {Channel.EMAIL: ConsentState.WITHDRAWN}
    assert event.time == datetime(2026, 1, 14, 13, tzinfo=UTC)


def test_consent_to_texts_comes_in_another_spelling() -> None:
    topic = "customers_marketing_consent/update"
    [event] = parse(topic, sample(topic))
    assert event.type is EventType.CUSTOMER_OPTED_IN
    assert event.data.consents == {Channel.SMS: ConsentState.GRANTED}
    assert event.data.id == "202601150006"
    assert event.key == "202601150006:sms:subscribed:2026-01-14T12:05:00+00:00"


def test_a_consent_without_a_time_counts_from_when_it_came() -> None:
    topic = "customers_marketing_consent/update"
    [event] = parse(topic, sample(topic, sms_marketing_consent={"state": "unsubscribed"}))
    assert event.time == NOW


def test_tags_are_a_list_whichever_way_they_are_written() -> None:
    for tags in ("aroma club, vip ,", ["aroma club", "vip"]):
        [event] = parse("customers/create", sample("customers/create", tags=tags))
        assert event.data.tags == ("aroma club", "vip")


# --- the account -----------------------------------------------------------------------------


def _account(**changes: Any) -> ShopifyAccount:
    return ShopifyAccount.model_validate({**SANDBOX_ACCOUNT, **changes})


def _sent(account: ShopifyAccount) -> InboundRequest:
    return ShopifySandbox().prepare(REQUEST.url, "orders/paid", plain([], "1"), account=account)


def test_the_secret_before_a_rotation_still_proves() -> None:
    request = _sent(_account())
    WEBHOOK.verify(request, _account(client_secret="new", previous_client_secret=
                                     SANDBOX_ACCOUNT["client_secret"]))  # fmt: skip
    with pytest.raises(BadSignature):
        WEBHOOK.verify(request, _account(client_secret="new", previous_client_secret=""))


def test_another_shops_webhook_is_refused_by_name() -> None:
    request = _sent(_account())
    with pytest.raises(BadSignature, match="comes from the shop 'aroma-house"):
        WEBHOOK.verify(request, _account(shop_domain="other.myshopify.com"))
    headers = {k: v for k, v in request.headers.items() if k != "x-shopify-shop-domain"}
    with pytest.raises(BadSignature, match="comes from the shop ''"):
        WEBHOOK.verify(replace(request, headers=headers), _account())


@pytest.mark.parametrize(
    "changes",
    [
        {"shop_domain": "https://aroma.myshopify.com"},
        {"shop_domain": "aroma"},
        {"shop_domain": "aroma..com"},
        {"shop_domain": "aroma.myshopify.com/admin"},
        {"access_token": "two\nlines"},
        {"access_token": " "},
        {"client_secret": ""},
        {"base_url": "ftp://x"},
        {"unknown": "x"},
    ],
    ids=str,
)
def test_a_mistyped_account_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _account(**changes)


def test_the_api_answers_at_the_shops_domain_unless_told_otherwise() -> None:
    assert _account().api_url == "https://aroma-house.myshopify.com"
    assert _account(base_url="http://127.0.0.1:1/shopify/").api_url == "http://127.0.0.1:1/shopify"
    assert _account(base_url="").api_url == "https://aroma-house.myshopify.com"
