"""Payloads that the vendors have published are read where they lie, never copied."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.kit.registry import HOUSE, manifest
from connectors.kit.webhook import InboundRequest, Source, decode_json
from loyalty.events import Event, EventType

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "vendors" / "samples"
SPECS = SAMPLES.parent / "specs"
REQUEST = InboundRequest("POST", "https://h/x", {}, b"", datetime(2026, 1, 15, tzinfo=UTC))


def _read(path: Path) -> Any:
    if not path.exists():
        pytest.skip("the published payloads are not on this machine")
    return decode_json(path.read_bytes())


def _parse(slug: str, topic: str, payload: Any) -> list[Event]:
    webhook = manifest(slug).webhook
    assert webhook is not None
    return list(webhook.triggers[topic].parse(payload, REQUEST, Source(slug, "main")))


CASES = [
    ("shopify", "customers/create", "customer_1.json", ["customer.created"]),
    ("shopify", "customers/update", "customer_1.json", ["customer.updated"]),
    ("shopify", "orders/paid", "order_1.json", ["order.paid"]),
    ("shopify", "orders/updated", "order_1.json", ["order.edited"]),
    ("shopify", "orders/cancelled", "order_1.json", []),
    ("shopify", "refunds/create", "refund_1.json", ["order.refunded"]),
    ("woocommerce", "customer.created", "customers_create_a_customer.json", ["customer.created"]),
    ("woocommerce", "customer.updated", "customers_retrieve_a_customer.json", ["customer.updated"]),
    ("woocommerce", "order.created", "orders_create_an_order.json", ["order.paid"]),
    ("woocommerce", "order.updated", "orders_retrieve_an_order.json", ["order.paid"]),
    ("square", "payment.created", "payment.created.json", ["payment.completed"]),
]


@pytest.mark.parametrize(("slug", "topic", "name", "types"), CASES)
def test_a_published_payload_is_read(slug: str, topic: str, name: str, types: list[str]) -> None:
    payload = _read(SAMPLES / slug / name)["body"]
    assert [event.type.value for event in _parse(slug, topic, payload)] == types


def test_shopifys_order_adds_up() -> None:
    payload = _read(SAMPLES / "shopify" / "order_1.json")["body"]
    [event] = _parse("shopify", "orders/paid", payload)
    order = event.data
    lines = sum((line.net for line in order.lines), Decimal(0))
    assert lines + order.tax + order.shipping == order.total == Decimal(payload["total_price"])


def test_woocommerces_order_adds_up() -> None:
    payload = _read(SAMPLES / "woocommerce" / "orders_create_an_order.json")["body"]
    [event] = _parse("woocommerce", "order.created", payload)
    order = event.data
    lines = sum((line.net for line in order.lines), Decimal(0))
    assert lines + order.tax + order.shipping == order.total == Decimal(payload["total"])


def test_squares_test_notification_is_none_of_the_triggers() -> None:
    payload = _read(SAMPLES / "square" / "webhooks_test_notification.json")["body"]
    webhook = manifest("square").webhook
    assert webhook is not None
    assert webhook.topic(REQUEST, payload) not in webhook.triggers


def test_squares_loyalty_event_rings_for_the_poll() -> None:
    payload = _read(SAMPLES / "square" / "loyalty.event.created.json")["body"]
    webhook = manifest("square").webhook
    assert webhook is not None
    trigger = webhook.triggers[webhook.topic(REQUEST, payload)]
    assert trigger.rings
    assert _parse("square", trigger.vendor_event, payload) == []


SQUARE_EVENTS = {
    "PaymentCreatedEvent": ("payment.created", 0),
    "PaymentUpdatedEvent": ("payment.updated", 1),
    "RefundCreatedEvent": ("refund.created", 0),
    "RefundUpdatedEvent": ("refund.updated", 1),
    "CustomerCreatedEvent": ("customer.created", 1),
    "CustomerUpdatedEvent": ("customer.updated", 1),
}


@pytest.mark.parametrize("name", SQUARE_EVENTS)
def test_the_examples_in_squares_specification_are_read(name: str) -> None:
    """Those still open (APPROVED, PENDING) become nothing, those completed one event."""
    schemas = _read(SPECS / "square" / "openapi.events.json")["components"]["schemas"]
    payload = schemas[name]["example"]
    topic, count = SQUARE_EVENTS[name]
    assert payload["type"] == topic
    events = _parse("square", topic, payload)
    assert len(events) == count
    if topic == "refund.updated":
        refund = payload["data"]["object"]["refund"]
        assert events[0].type is EventType.ORDER_REFUNDED
        assert events[0].data.order_id == refund["payment_id"] != refund["order_id"]


def test_our_samples_are_not_the_published_ones() -> None:
    """The repository holds invented data only."""
    if not SAMPLES.exists():
        pytest.skip("the published payloads are not on this machine")
    for slug in ("shopify", "woocommerce", "square"):
        published = [_read(one)["body"] for one in (SAMPLES / slug).glob("*.json")]
        ours = [_read(one) for one in (HOUSE / slug / "samples").glob("*.json")]
        assert ours
        assert not [one for one in ours if one in published]
