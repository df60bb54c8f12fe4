"""What SHOPLINE's webhooks become, and what they cannot make the hub do."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

import connectors.shopline
from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    NoticeKind,
    Source,
    Unreadable,
    decode_json,
    hmac_base64,
    hmac_hex,
)
from connectors.shopline.account import ShoplineAccount
from connectors.shopline.sandbox import SANDBOX_ACCOUNT
from connectors.shopline.triggers import DOMAIN, SIGNATURE, WEBHOOK, verify
from loyalty.events import Channel, ConsentState, Event, EventType

SAMPLES = Path(connectors.shopline.__file__).parent / "samples"
SOURCE = Source("shopline", "main")
AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
REQUEST = InboundRequest("POST", "", {}, b"", AT)
GRANTED, WITHDRAWN = ConsentState.GRANTED, ConsentState.WITHDRAWN


def account(**changes: Any) -> ShoplineAccount:
    return ShoplineAccount.model_validate({**SANDBOX_ACCOUNT, **changes})


def sample(topic: str, **changes: Any) -> Any:
    name = WEBHOOK.triggers[topic].sample
    return decode_json((SAMPLES / name).read_bytes()) | changes


def told(topic: str, payload: Any) -> list[Event]:
    return list(WEBHOOK.triggers[topic].parse(payload, REQUEST, SOURCE))


# --- signatures ------------------------------------------------------------------------------


def signed(write: Any, secret: str = SANDBOX_ACCOUNT["app_secret"]) -> InboundRequest:
    body = b'{"id": "1"}'
    signature = write(SecretStr(secret), body)
    headers = {SIGNATURE.lower(): signature, DOMAIN: SANDBOX_ACCOUNT["shop_domain"]}
    return InboundRequest("POST", "", headers, body, AT)


@pytest.mark.parametrize(
    ("setting", "write", "passes"),
    [
        ("either", hmac_base64, True),
        ("either", hmac_hex, True),
        ("base64", hmac_base64, True),
        ("base64", hmac_hex, False),
        ("hex", hmac_hex, True),
        ("hex", hmac_base64, False),
    ],
)
def test_both_ways_of_writing_pass_unless_it_is_said_which(
    setting: str, write: Any, passes: bool
) -> None:
    if passes:
        verify(signed(write), account(signature=setting))
        return
    with pytest.raises(BadSignature):
        verify(signed(write), account(signature=setting))


def test_a_rotated_secret_is_good_where_it_is_kept() -> None:
    request = signed(hmac_hex, "the-old-one")
    with pytest.raises(BadSignature):
        verify(request, account())
    verify(request, account(previous_app_secret="the-old-one"))


def test_another_shop_of_the_same_app_is_refused() -> None:
    request = signed(hmac_base64)
    other = replace(request, headers={**request.headers, DOMAIN: "other.myshopline.com"})
    with pytest.raises(BadSignature, match=r"other\.myshopline\.com"):
        verify(other, account())


@pytest.mark.parametrize("domain", ["https://a.myshopline.com", "Aroma.myshopline.com", "aroma"])
def test_a_shop_is_named_by_its_domain_alone(domain: str) -> None:
    with pytest.raises(ValidationError):
        account(shop_domain=domain)


# --- what the topic says counts for nothing --------------------------------------------------


@pytest.mark.parametrize("source", ["orders/paid", "customers/update", "refunds/create"])
@pytest.mark.parametrize("topic", ["customers/redact", "merchants/redact", "orders/cancelled"])
def test_another_topic_makes_nothing_else_of_a_body(source: str, topic: str) -> None:
    trigger = WEBHOOK.triggers[topic]
    with suppress(Unreadable):  # a reason is as good
        assert told(topic, sample(source)) == []
    assert trigger.notice is None or trigger.notice(sample(source), REQUEST) is None


@pytest.mark.parametrize("source", ["orders/paid", "refunds/create"])
@pytest.mark.parametrize("topic", ["customers/create", "customers/update"])
def test_an_order_is_not_taken_for_a_customer(source: str, topic: str) -> None:
    with pytest.raises(Unreadable):
        told(topic, sample(source))


def test_an_unpaid_order_is_no_sale() -> None:
    for status in ("unpaid", "pending", "authorized", "partially_paid", ""):
        assert told("orders/paid", sample("orders/paid", financial_status=status)) == []
        assert told("orders/updated", sample("orders/updated", financial_status=status)) == []


def test_notices_say_what_happened_to_the_app() -> None:
    uninstalled = WEBHOOK.triggers["apps/installed_uninstalled"].notice
    assert uninstalled is not None
    payload = sample("apps/installed_uninstalled")
    found = uninstalled(payload, REQUEST)
    assert found is not None
    assert found.kind is NoticeKind.REVOKED
    assert uninstalled({**payload, "operate": "INSTALL"}, REQUEST) is None
    assert uninstalled([], REQUEST) is None
    erased = WEBHOOK.triggers["merchants/redact"].notice
    assert erased is not None
    told_of = erased(sample("merchants/redact"), REQUEST)
    assert told_of is not None
    assert told_of.kind is NoticeKind.SHOP_ERASURE


# --- customers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "states"),
    [
        ({"accepts_marketing": True}, {Channel.EMAIL: GRANTED}),
        ({"accepts_marketing": False}, {}),
        (
            {"accepts_marketing": False, "accepts_marketing_updated_at": "2026-11-02T10:00:00Z"},
            {Channel.EMAIL: WITHDRAWN},
        ),
        (
            {"accepts_mobile_marketing": True, "accepts_marketing": None},
            {Channel.SMS: GRANTED},
        ),
        ({"accepts_marketing": None, "accepts_marketing_updated_at": "2026-11-02"}, {}),
    ],
)
def test_a_no_counts_where_somebody_said_it(
    fields: dict[str, Any], states: dict[Channel, ConsentState]
) -> None:
    payload = {"id": "1", "created_at": "2026-11-02T10:00:00Z", **fields}
    (event,) = told("customers/create", payload)
    assert event.data.consents == states


@pytest.mark.parametrize(
    ("accepts", "kind"),
    [(True, EventType.CUSTOMER_OPTED_IN), (False, EventType.CUSTOMER_UPDATED)],
)
def test_a_change_of_consent_is_an_opt_in_where_it_says_yes(accepts: bool, kind: EventType) -> None:
    payload = sample("customers_marketing_consent/update", accepts_marketing=accepts)
    (event,) = told("customers_marketing_consent/update", payload)
    assert event.type is kind
    assert event.data.consents[Channel.EMAIL] is (GRANTED if accepts else WITHDRAWN)


@pytest.mark.parametrize("tags", ["a, b ,", '["a", "b"]', ["a", "b"]])
def test_tags_are_read_however_they_are_written(tags: Any) -> None:
    (event,) = told("customers/update", sample("customers/update", tags=tags))
    assert event.data.tags == ("a", "b")
    assert event.data.phone == "+15005550123"
    assert event.data.country == "DE"


# --- orders and refunds ----------------------------------------------------------------------


def test_an_order_is_read_with_its_amounts() -> None:
    (event,) = told("orders/paid", sample("orders/paid"))
    order = event.data
    assert (order.total, order.discount, order.shipping) == tuple(
        map(Decimal, ("62.50", "3.00", "4.90"))
    )
    assert [(line.net, line.tax) for line in order.lines] == [
        (Decimal("24.00"), Decimal("1.47")),
        (Decimal("30.00"), Decimal("5.13")),
    ]
    assert order.codes == ("TEA-3",)
    assert order.customer.id == "7001"
    assert event.subject == "shopline/main:customer:7001"


def test_what_was_sold_stays_when_some_of_it_goes_back() -> None:
    (event,) = told("orders/updated", sample("orders/updated"))
    assert event.data.total == Decimal("62.50")


def test_tax_in_prices_is_no_sale() -> None:
    (event,) = told("orders/paid", sample("orders/paid", taxes_included=True))
    assert [line.net for line in event.data.lines] == [Decimal("22.53"), Decimal("24.87")]


@pytest.mark.parametrize(("points", "discount"), [("10.00", "13.00"), ("900.00", "54.00")])
def test_member_points_are_a_discount_up_to_the_goods(points: str, discount: str) -> None:
    (event,) = told("orders/paid", sample("orders/paid", deduct_member_point_amount=points))
    assert event.data.discount == Decimal(discount)


@pytest.mark.parametrize(
    "codes", ["TEA-3", ["TEA-3"], {"code": "TEA-3"}, [{"code": "TEA-3"}, {"code": ""}]]
)
def test_codes_are_read_however_they_are_written(codes: Any) -> None:
    (event,) = told("orders/paid", sample("orders/paid", discount_codes=codes))
    assert event.data.codes == ("TEA-3",)


@pytest.mark.parametrize(
    "changes",
    [
        {"current_total_price": None},
        {"current_total_price": "-1"},
        {"currency": "EURO"},
        {"processed_at": None, "created_at": None},
        {"line_items": [{"id": "1", "quantity": 1, "price": 1.5}]},
    ],
)
def test_an_order_that_cannot_be_is_refused_with_a_reason(changes: dict[str, Any]) -> None:
    with pytest.raises((Unreadable, ValueError)):
        told("orders/paid", sample("orders/paid", **changes))


def test_a_buyer_without_an_account_is_known_by_the_order() -> None:
    (event,) = told("orders/paid", sample("orders/paid", customer=None))
    assert event.subject == "contact:mila.brandt@shop.example"
    (nobody,) = told("orders/paid", sample("orders/paid", customer=[], email="", phone=""))
    assert nobody.data.customer is None


MONEY = {"kind": "refund", "status": "success", "currency": "EUR"}
SHIPPING = {"kind": "shipping_refund", "amount": "-4.90", "tax_amount": "0"}
IN_EUROS = {**SHIPPING, "amount_set": {"shop_money": {"amount": "4.90", "currency_code": "EUR"}}}


@pytest.mark.parametrize(
    ("changes", "amount", "line", "shipping"),
    [
        ({}, "12.74", "12.00", "0"),
        ({"transactions": []}, "12.74", "12.00", "0"),
        ({"transactions": [{**MONEY, "amount": "12.00"}]}, "12.00", "11.26", "0"),
        ({"transactions": [{**MONEY, "currency": "USD", "amount": "15"}]}, "12.74", "12.00", "0"),
        (
            {"order_adjustments": [SHIPPING], "transactions": [{**MONEY, "amount": "17.64"}]},
            "17.64",
            "12.00",
            "4.90",
        ),
        (
            {"order_adjustments": [IN_EUROS], "refund_line_items": [], "transactions": []},
            "4.90",
            None,
            "4.90",
        ),
    ],
)
def test_a_refund_is_what_goes_back(
    changes: dict[str, Any], amount: str, line: str | None, shipping: str
) -> None:
    (event,) = told("refunds/create", sample("refunds/create", **changes))
    assert (event.data.amount, event.data.shipping) == (Decimal(amount), Decimal(shipping))
    assert [one.amount for one in event.data.lines] == ([Decimal(line)] if line else [])


@pytest.mark.parametrize(
    "changes",
    [
        {"transactions": [{**MONEY, "status": "failed", "amount": "12.74"}]},
        {"transactions": [], "refund_line_items": [], "order_adjustments": []},
    ],
)
def test_no_money_is_no_refund(changes: dict[str, Any]) -> None:
    assert told("refunds/create", sample("refunds/create", **changes)) == []


@pytest.mark.parametrize("changes", [{"order_id": ""}, {"id": None}, {"created_at": "yesterday"}])
def test_a_refund_of_nothing_known_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        told("refunds/create", sample("refunds/create", **changes))


def test_amounts_written_as_numbers_stay_exact() -> None:
    text = (SAMPLES / "refunds_create.json").read_text("utf-8").replace('"0.74"', "0.74")
    assert "0.74" in json.dumps(json.loads(text))
    (event,) = told("refunds/create", decode_json(text.encode()) | {"transactions": []})
    assert event.data.amount == Decimal("12.74")
