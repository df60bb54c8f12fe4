"""What Square's webhooks become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.kit.registry import HOUSE
from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    NoticeKind,
    Source,
    Unreadable,
    decode_json,
)
from connectors.square.account import SquareAccount
from connectors.square.sandbox import SANDBOX_ACCOUNT, SquareSandbox
from connectors.square.triggers import WEBHOOK
from loyalty.events import Channel, ConsentState, Event, EventType
from loyalty.money import MoneyError

SOURCE = Source("square", "main")
URL = "https://hub.example/hooks/square/main"
REQUEST = InboundRequest("POST", URL, {}, b"", datetime(2026, 1, 15, 12, tzinfo=UTC))
ACCOUNT = SquareAccount.model_validate(SANDBOX_ACCOUNT)


def sample(topic: str, **changes: Any) -> dict[str, Any]:
    """The sample, with changes to the object inside."""
    path = Path(HOUSE, "square", "samples", f"{topic.replace('.', '_')}.json")
    payload: dict[str, Any] = decode_json(path.read_bytes())
    next(iter(payload["data"]["object"].values())).update(changes)
    return payload


def parse(topic: str, payload: Any) -> Sequence[Event]:
    return WEBHOOK.triggers[topic].parse(payload, REQUEST, SOURCE)


def money(amount: Any, currency: str = "EUR") -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def test_a_completed_payment_is_a_sale_without_its_tip() -> None:
    [event] = parse("payment.updated", sample("payment.updated"))
    assert event.business_key == "square/main:payment.completed:PAY202601152001"
    assert (event.data.amount, event.data.tip) == (Decimal("42.00"), Decimal("3.00"))
    assert event.data.currency == "EUR"
    assert event.subject == "square/main:customer:CUST202601150011"


def test_a_card_payment_happened_when_it_was_captured() -> None:
    [event] = parse("payment.updated", sample("payment.updated"))
    assert event.time == datetime(2026, 1, 14, 9, 31, 7, 412_000, tzinfo=UTC)
    [event] = parse("payment.updated", sample("payment.updated", card_details=None))
    assert event.time == datetime(2026, 1, 14, 9, 31, tzinfo=UTC)


@pytest.mark.parametrize("status", ["APPROVED", "PENDING", "CANCELED", "FAILED", "", None])
@pytest.mark.parametrize("topic", ["payment.created", "payment.updated"])
def test_a_payment_that_is_not_completed_yields_nothing(topic: str, status: str | None) -> None:
    assert parse(topic, sample(topic, status=status)) == []


def test_created_and_updated_tell_the_same_fact() -> None:
    payload = sample("payment.updated")
    keys = {parse(topic, payload)[0].key for topic in ("payment.created", "payment.updated")}
    assert keys == {"PAY202601152001"}


def test_a_refund_leads_back_to_the_sale_that_its_payment_was_booked_as() -> None:
    """Square gives each refund an order of its own, so order ids never lead back."""
    [sale] = parse("payment.updated", sample("payment.updated"))
    [event] = parse("refund.updated", sample("refund.updated"))
    assert event.type is EventType.ORDER_REFUNDED
    assert event.data.order_id == (sale.data.order_id or sale.data.id) == "PAY202601152001"
    assert event.data.amount == Decimal("42.00")


@pytest.mark.parametrize("status", ["PENDING", "REJECTED", "FAILED", None])
def test_a_refund_that_is_not_completed_yields_nothing(status: str | None) -> None:
    assert parse("refund.created", sample("refund.created", status=status)) == []


def test_a_refund_of_no_payment_takes_back_no_sale() -> None:
    assert parse("refund.updated", sample("refund.updated", payment_id=None)) == []


@pytest.mark.parametrize(
    ("amount", "currency", "major"),
    [(500, "JPY", "500"), (4200, "EUR", "42.00"), (1505, "KWD", "1.505"), (0, "USD", "0.00")],
)
def test_minor_units_follow_the_currency(amount: int, currency: str, major: str) -> None:
    payload = sample("payment.created", amount_money=money(amount, currency), tip_money=None)
    [event] = parse("payment.created", payload)
    assert event.data.amount == Decimal(major)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"amount_money": money(-1)}, "the amount is negative"),
        ({"amount_money": money(1, "SQR")}, "unknown currency"),
        ({"amount_money": money(10**40)}, "amount_money"),
        ({"amount_money": money(10**16)}, "out of range"),
        ({"amount_money": money("12.5")}, "amount_money"),
        ({"amount_money": None}, "has no amount"),
        ({"tip_money": money(-5)}, "tip of payment"),
        ({"id": ""}, "id"),
        ({"created_at": None, "card_details": None}, "no time"),
    ],
)
def test_a_payment_that_cannot_be_trusted_is_refused_in_words(
    changes: dict[str, Any], says: str
) -> None:
    with pytest.raises((Unreadable, MoneyError, ValidationError), match=says):
        parse("payment.created", sample("payment.created", **changes))


def test_a_webhook_of_another_kind_under_a_topic_is_refused() -> None:
    with pytest.raises(Unreadable, match="has no refund"):
        parse("refund.updated", sample("payment.updated"))


def test_cash_without_a_name_is_anonymous() -> None:
    [event] = parse("payment.created", sample("payment.created"))
    assert event.data.customer is None
    assert event.subject == "square/main:PAY202601152002"


def test_the_receipts_address_names_the_buyer() -> None:
    payload = sample("payment.created", buyer_email_address="ann@example.com", customer_id="")
    [event] = parse("payment.created", payload)
    assert event.subject == "contact:ann@example.com"


@pytest.mark.parametrize(
    ("preferences", "expected"),
    [
        ({"email_unsubscribed": True}, {Channel.EMAIL: ConsentState.WITHDRAWN}),
        ({"email_unsubscribed": False}, {}),
        ({}, {}),
        (None, {}),
    ],
)
def test_leaving_is_stated_and_staying_is_no_consent(preferences: Any, expected: Any) -> None:
    [event] = parse("customer.created", sample("customer.created", preferences=preferences))
    assert event.data.consents == expected


@pytest.mark.parametrize(
    ("birthday", "expected"),
    [("1990-04-02", date(1990, 4, 2)), ("0000-09-21", None), ("soon", None), (None, None)],
)
def test_a_birthday_needs_its_year(birthday: str | None, expected: date | None) -> None:
    [event] = parse("customer.updated", sample("customer.updated", birthday=birthday))
    assert event.data.birthday == expected


def test_every_revision_of_a_customer_is_a_fact_of_its_own() -> None:
    [event] = parse("customer.updated", sample("customer.updated"))
    assert event.key == "CUST202601150012:2026-01-14T12:00:00+00:00"


def test_the_signature_covers_the_address() -> None:
    body = {"data": {"object": {}}}
    request = SquareSandbox().prepare(URL, "payment.created", body, account=ACCOUNT)
    WEBHOOK.verify(request, ACCOUNT)
    for url in (f"{URL}/", URL.replace("main", "other"), URL.replace("https", "http")):
        with pytest.raises(BadSignature):
            WEBHOOK.verify(replace(request, url=url), ACCOUNT)


def test_topic_and_delivery_stand_in_the_body() -> None:
    payload = {"type": "payment.created", "event_id": "e-1"}
    assert WEBHOOK.topic(REQUEST, payload) == "payment.created"
    assert WEBHOOK.delivery_id(REQUEST, payload) == "e-1"
    assert WEBHOOK.topic(REQUEST, {"type": ["x"]}) == ""
    assert WEBHOOK.delivery_id(REQUEST, {}) is None


@pytest.mark.parametrize("topic", ["order.created", "order.updated", "loyalty.event.created"])
def test_what_names_nobody_and_no_amount_only_rings(topic: str) -> None:
    trigger = WEBHOOK.triggers[topic]
    assert trigger.rings
    assert list(parse(topic, sample(topic))) == []


def test_access_that_was_taken_away_is_told_to_the_team() -> None:
    trigger = WEBHOOK.triggers["oauth.authorization.revoked"]
    assert trigger.notice is not None
    notice = trigger.notice(sample("oauth.authorization.revoked"), REQUEST)
    assert notice is not None
    assert notice.kind is NoticeKind.REVOKED
    assert notice.detail == {"merchant_id": "MLAROMAHOUSE1"}
    with pytest.raises(Unreadable, match="has no revocation"):
        parse("oauth.authorization.revoked", sample("payment.updated"))


@pytest.mark.parametrize("key", [None, ""])
def test_without_a_signature_key_nothing_is_genuine(key: str | None) -> None:
    request = SquareSandbox().prepare(URL, "payment.created", {"data": {}}, account=ACCOUNT)
    empty = SquareAccount.model_validate({**SANDBOX_ACCOUNT, "signature_key": key})
    with pytest.raises(BadSignature, match="no webhook secret"):
        WEBHOOK.verify(request, empty)
