"""What WooCommerce's webhooks become."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.kit.registry import HOUSE
from connectors.kit.webhook import BadSignature, InboundRequest, Source, Unreadable, decode_json
from connectors.woocommerce.account import WooCommerceAccount
from connectors.woocommerce.sandbox import SANDBOX_ACCOUNT
from connectors.woocommerce.triggers import WEBHOOK
from loyalty.eligibility import EligibilityPolicy, eligible_amount
from loyalty.events import Event, EventType, Order
from loyalty.money import MoneyError

SOURCE = Source("woocommerce", "main")
URL = "https://hub.example/hooks/woocommerce/main"
NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
REQUEST = InboundRequest("POST", URL, {}, b"", NOW)
ACCOUNT = WooCommerceAccount.model_validate(
    {**SANDBOX_ACCOUNT, "base_url": "https://shop.example/"}
)


def sample(topic: str, **changes: Any) -> dict[str, Any]:
    path = Path(HOUSE, "woocommerce", "samples", f"{topic.replace('.', '_')}.json")
    return {**decode_json(path.read_bytes()), **changes}


def parse(topic: str, payload: Any) -> Sequence[Event]:
    return WEBHOOK.triggers[topic].parse(payload, REQUEST, SOURCE)


def order_in(**changes: Any) -> Order:
    data = parse("order.created", sample("order.created", **changes))[0].data
    assert isinstance(data, Order)
    return data


def line(subtotal: str, quantity: int, total: str | None = None) -> dict[str, Any]:
    amounts = {"subtotal": subtotal, "total": subtotal if total is None else total}
    return {"id": 5, "name": "Oil", "quantity": quantity, **amounts, "total_tax": "0.00"}


def test_a_taxed_order_with_a_coupon_adds_up() -> None:
    order = order_in()
    net = sum((one.net for one in order.lines), Decimal(0))
    assert net + order.tax + order.shipping == order.total == Decimal("145.33")
    assert [one.net for one in order.lines] == [Decimal("35.16"), Decimal("77.99")]
    assert order.lines[0].discount == Decimal("5.00")
    assert order.codes == ("welcome5",)
    assert eligible_amount(order, EligibilityPolicy()) == Decimal("113.15")


@pytest.mark.parametrize(
    ("subtotal", "quantity", "unit", "gross"),
    [
        ("77.99", 3, "26.00", "77.99"),
        ("78.00", 3, "26.00", None),
        ("10.00", 3, "3.33", "10.00"),
        ("0.01", 7, "0.00", "0.01"),
        ("9.99", 0, "9.99", "9.99"),
        ("0.00", 2, "0.00", None),
        ("", 2, "0.00", None),
    ],
)
def test_a_line_is_exact_whether_or_not_a_unit_price_is(
    subtotal: str, quantity: int, unit: str, gross: str | None
) -> None:
    [one] = order_in(line_items=[line(subtotal, quantity)]).lines
    assert one.unit_price == Decimal(unit)
    assert one.gross == (None if gross is None else Decimal(gross))
    assert one.net == Decimal(subtotal or 0)


def test_a_negative_fee_is_a_discount_and_a_positive_one_earns_nothing() -> None:
    fees = [{"total": "-10.00"}, {"total": "4.00"}, {"total": ""}]
    order = order_in(line_items=[line("50.00", 1)], fee_lines=fees)
    assert order.discount == Decimal("10.00")
    assert eligible_amount(order, EligibilityPolicy()) == Decimal("40.00")


@pytest.mark.parametrize(
    ("status", "types"),
    [
        ("pending", []),
        ("on-hold", []),
        ("failed", []),
        ("checkout-draft", []),
        ("processing", [EventType.ORDER_PAID]),
        ("completed", [EventType.ORDER_PAID]),
        ("cancelled", [EventType.ORDER_CANCELLED]),
        ("refunded", []),
    ],
)
@pytest.mark.parametrize("topic", ["order.created", "order.updated"])
def test_the_status_says_what_happened(topic: str, status: str, types: list[EventType]) -> None:
    payload = sample("order.created", status=status)
    assert [event.type for event in parse(topic, payload)] == types


def test_repeats_of_a_paid_order_are_one_fact() -> None:
    later = {"status": "completed", "date_modified_gmt": "2026-01-20T00:00:00"}
    told = [parse("order.created", sample("order.created", **one))[0] for one in ({}, later)]
    assert told[0].business_key == told[1].business_key
    assert told[0].time == told[1].time == datetime(2026, 1, 14, 10, 33, tzinfo=UTC)


def test_one_webhook_may_tell_of_a_sale_and_of_every_refund() -> None:
    refunds = [{"id": 12, "total": "-3.00"}, {"id": 9, "total": "-1.50"}]
    events = parse("order.updated", sample("order.updated", refunds=refunds))
    assert [(event.type.value, event.key) for event in events] == [
        ("order.paid", "202601153001"),
        ("order.refunded", "9"),
        ("order.refunded", "12"),
    ]
    assert [event.data.amount for event in events[1:]] == [Decimal("1.50"), Decimal("3.00")]
    assert {event.data.order_id for event in events[1:]} == {"202601153001"}
    assert {event.subject for event in events} == {"woocommerce/main:customer:202601150008"}
    assert not any(event.data.full for event in events[1:])


def test_the_last_refund_of_a_refunded_order_takes_all_the_rest() -> None:
    refunds = [{"id": 12, "total": "-143.83"}, {"id": 9, "total": "-1.50"}]
    events = parse("order.updated", sample("order.updated", refunds=refunds, status="refunded"))
    assert [(event.key, event.data.full) for event in events] == [("9", False), ("12", True)]


def test_a_guest_is_known_by_the_address_and_nobody_by_the_order() -> None:
    [event] = parse("order.created", sample("order.created", customer_id=0))
    assert event.data.customer.id is None
    assert event.subject == "contact:zieliski.8.20260115@example.com"
    for billing in ({}, [], None, {"email": "", "phone": ""}):
        [event] = parse("order.created", sample("order.created", customer_id=0, billing=billing))
        assert event.data.customer is None
        assert event.subject == "woocommerce/main:202601153001"


def test_times_without_an_offset_are_utc() -> None:
    [event] = parse("customer.created", sample("customer.created"))
    assert event.time == datetime(2026, 1, 14, 7, 50, tzinfo=UTC)
    assert event.data.created_at == event.time


def test_every_revision_of_a_customer_is_a_fact_of_its_own() -> None:
    [first] = parse("customer.updated", sample("customer.updated"))
    later = sample("customer.updated", date_modified_gmt="2026-01-14T11:00:01")
    [second] = parse("customer.updated", later)
    assert first.key == "202601150008:2026-01-14T11:00:00+00:00"
    assert second.key != first.key


def test_woocommerce_states_no_consent_so_none_is_reported() -> None:
    [event] = parse("customer.created", sample("customer.created"))
    assert event.data.consents == {}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"total": "-1.00"}, "the total is negative"),
        ({"currency": "WOO"}, "unknown currency"),
        ({"line_items": [line("8.4034", 1)]}, "more decimals"),
        ({"line_items": [line("1.00", -2)]}, "greater than or equal to 0"),
        ({"total": "1e30"}, "out of range"),
        ({"status": None, "id": None}, "id"),
        ({"id": {"code": "woocommerce_rest_cannot_view"}}, "id"),
    ],
)
def test_an_order_that_cannot_be_trusted_is_refused_in_words(
    changes: dict[str, Any], says: str
) -> None:
    with pytest.raises((Unreadable, MoneyError, ValidationError), match=says):
        parse("order.created", sample("order.created", **changes))


# --- the ping --------------------------------------------------------------------------------


def _form(body: bytes, method: str = "POST") -> InboundRequest:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return InboundRequest(method, URL, headers, body, NOW)


def test_the_unsigned_ping_is_acknowledged_and_proves_nothing() -> None:
    ping = _form(b"webhook_id=142")
    assert WEBHOOK.handshake is not None
    reply = WEBHOOK.handshake(ping, ACCOUNT)
    assert reply is not None
    assert reply.status == 200
    with pytest.raises(BadSignature):
        WEBHOOK.verify(ping, ACCOUNT)
    with pytest.raises(Unreadable):
        WEBHOOK.decode(ping.body)


@pytest.mark.parametrize(
    "request_",
    [
        _form(b"webhook_id=142", "GET"),
        _form(b"webhook_id=142&order=7"),
        _form(b"webhook_id="),
        _form(b"webhook_id=12x"),
        _form(b" webhook_id=12"),
        _form(b"webhook_id=12\n"),
        _form(b'{"id": 7, "status": "processing"}'),
        _form(b""),
    ],
    ids=lambda one: f"{one.method} {one.body!r}",
)
def test_nothing_else_passes_as_a_ping(request_: InboundRequest) -> None:
    assert WEBHOOK.handshake is not None
    assert WEBHOOK.handshake(request_, ACCOUNT) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "shop.example"},
        {"base_url": "https://user:pw@shop.example"},
        {"consumer_key": "ck_ 1"},
        {"webhook_secret": ""},
        {"webhook_secret": "two\nlines"},
    ],
    ids=str,
)
def test_a_mistyped_account_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WooCommerceAccount.model_validate({**ACCOUNT.plain(), **changes})
