"""The demo's day: every webhook is genuine, and becomes exactly what it claims."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.kit.outgoing import SendingSandbox
from connectors.kit.registry import manifest
from connectors.kit.webhook import Source
from connectors.shopify.sandbox import SANDBOX_ACCOUNT as SHOPIFY
from connectors.shopify.sandbox import ShopifySandbox
from connectors.square.sandbox import SANDBOX_ACCOUNT as SQUARE
from connectors.square.sandbox import SquareSandbox
from connectors.woocommerce.sandbox import SANDBOX_ACCOUNT as WOOCOMMERCE
from connectors.woocommerce.sandbox import WooCommerceSandbox
from deployments.demo.day import day
from deployments.demo.story import DemoWebhook
from loyalty.events import ConsentState, Event, EventType, Order

NOW = datetime(2026, 1, 15, 14, 3, tzinfo=ZoneInfo("Europe/Dublin"))
WEBHOOKS = day(NOW)
BOXES: dict[str, tuple[SendingSandbox, dict[str, str]]] = {
    "shopify": (ShopifySandbox(), SHOPIFY),
    "woocommerce": (WooCommerceSandbox(), WOOCOMMERCE),
    "square": (SquareSandbox(), SQUARE),
}


def events_of(told: DemoWebhook) -> list[Event]:
    """Signed by the sandbox, then verified, decoded and parsed by the connector."""
    found = manifest(told.connector)
    assert found.webhook is not None
    box, fields = BOXES[told.connector]
    account = found.account.model_validate({**fields, "base_url": "http://127.0.0.1:9/sandbox"})
    url = f"http://127.0.0.1:8000/hooks/{told.connector}/main"
    request = box.prepare(
        url, told.topic, told.payload, account=account, delivery_id=told.delivery_id
    )
    found.webhook.verify(request, account)
    payload = found.webhook.decode(request.body)
    assert found.webhook.delivery_id(request, payload) == told.delivery_id
    trigger = found.webhook.triggers[found.webhook.topic(request, payload)]
    assert trigger.vendor_event == told.topic
    return list(trigger.parse(payload, request, Source(told.connector, "main")))


@pytest.mark.parametrize("told", WEBHOOKS, ids=[f"{n:02d}" for n in range(len(WEBHOOKS))])
def test_a_webhook_becomes_the_events_it_claims(told: DemoWebhook) -> None:
    assert tuple((event.type, event.key) for event in events_of(told)) == told.expected
    assert told.comment.endswith(".")


def all_events() -> list[Event]:
    return [event for told in WEBHOOKS for event in events_of(told)]


def test_the_story_has_about_forty_webhooks_of_three_shops() -> None:
    assert 40 <= len(WEBHOOKS) <= 50
    assert {told.connector for told in WEBHOOKS} == set(BOXES)
    assert len({told.delivery_id for told in WEBHOOKS}) == len(WEBHOOKS)


def test_every_kind_of_event_the_shops_can_tell_occurs() -> None:
    kinds = {event.type for event in all_events()}
    assert kinds == {
        EventType.CUSTOMER_CREATED, EventType.CUSTOMER_UPDATED, EventType.CUSTOMER_OPTED_IN,
        EventType.ORDER_PAID, EventType.ORDER_EDITED, EventType.ORDER_CANCELLED,
        EventType.ORDER_REFUNDED, EventType.PAYMENT_COMPLETED,
    }  # fmt: skip


def test_repeats_are_marked_and_only_repeats() -> None:
    seen: set[str] = set()
    for told in WEBHOOKS:
        keys = {event.business_key for event in events_of(told)}
        assert told.is_repeat == (bool(keys) and keys <= seen), told.comment
        seen |= keys
    assert sum(told.is_repeat for told in WEBHOOKS) >= 4


def test_told_twice_on_one_day_it_is_the_same_day() -> None:
    later = NOW.replace(hour=23, minute=59)
    assert day(later) == WEBHOOKS


def test_another_day_is_a_new_day() -> None:
    tomorrow = {fact for told in day(NOW + timedelta(days=1)) for fact in told.expected}
    assert not tomorrow & {fact for told in WEBHOOKS for fact in told.expected}


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Auckland"])
def test_nothing_lies_ahead_of_now(zone: str) -> None:
    just_after_midnight = datetime(2026, 1, 15, 0, 0, 1, tzinfo=ZoneInfo(zone))
    for told in day(just_after_midnight):
        assert told.at < just_after_midnight
        assert all(event.time < just_after_midnight for event in events_of(told))


def test_the_webhooks_arrive_in_the_order_of_their_times() -> None:
    times = [told.at for told in WEBHOOKS]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("now", "joined"),
    [
        (NOW, (2025, 1, 14)),
        (datetime(2028, 3, 1, 1, tzinfo=UTC), (2027, 2, 28)),
        (datetime(2026, 3, 1, 23, tzinfo=UTC), (2025, 2, 28)),
    ],
)
def test_somebody_joined_exactly_one_year_before_the_storys_day(
    now: datetime, joined: tuple[int, ...]
) -> None:
    joins = [
        datetime.fromisoformat(told.payload["created_at"])
        for told in day(now)
        if told.topic == "customers/create"
    ]
    assert [(at.year, at.month, at.day) for at in joins].count(joined) == 1


def test_a_customers_record_says_the_same_in_every_webhook() -> None:
    """An order must not bring back a consent that was withdrawn before it."""
    latest: dict[tuple[str, Any], ConsentState] = {}
    created: dict[str, set[datetime]] = {}
    for event in all_events():
        customer = event.data if event.type.value.startswith("customer.") else event.data.customer
        if customer is None or customer.id is None:
            continue
        if customer.created_at:
            created.setdefault(customer.id, set()).add(customer.created_at)
        for channel, state in customer.consents.items():
            before = latest.get((customer.id, channel))
            assert not (before is ConsentState.WITHDRAWN and state is ConsentState.GRANTED)
            latest[customer.id, channel] = state
    assert all(len(moments) == 1 for moments in created.values())
    granted = Counter(state for state in latest.values())
    assert granted[ConsentState.GRANTED] > granted[ConsentState.WITHDRAWN] >= 2


def _paid_orders() -> list[Event]:
    first = {event.business_key: event for event in reversed(all_events())}
    return [event for event in first.values() if event.type is EventType.ORDER_PAID]


def test_somebody_crosses_500_and_somebody_buys_the_starter_kit() -> None:
    spent: Counter[str] = Counter()
    for event in _paid_orders():
        assert isinstance(event.data, Order)
        spent[event.subject] += int(event.data.total)
    assert max(spent.values()) == 600
    kits = [
        event.subject
        for event in _paid_orders()
        if any(line.sku == "STARTER-KIT-01" for line in event.data.lines)
    ]
    assert {subject.partition("/")[0] for subject in kits} == {"shopify", "woocommerce"}


def test_there_is_a_guest_and_somebody_unknown() -> None:
    orders = _paid_orders()
    assert [event for event in orders if event.data.customer is None]
    known = {e.data.id for e in all_events() if e.type is EventType.CUSTOMER_CREATED}
    unknown = [e for e in orders if e.data.customer and e.data.customer.id not in {*known, None}]
    assert len(unknown) == 1


def test_refunds_are_part_and_whole() -> None:
    sales: dict[tuple[str, str], Decimal] = {}
    shares: list[Decimal] = []
    for event in all_events():
        if event.type in (EventType.ORDER_PAID, EventType.ORDER_EDITED):
            sales[event.store, event.data.id] = event.data.total
        elif event.type is EventType.PAYMENT_COMPLETED:
            sales[event.store, event.data.order_id or event.data.id] = event.data.amount
        elif event.type is EventType.ORDER_REFUNDED:
            shares.append(event.data.amount / sales[event.store, event.data.order_id])
    assert any(share == 1 for share in shares)
    assert any(0 < share < 1 for share in shares)


def test_all_is_sold_in_one_currency() -> None:
    events = [event for event in all_events() if hasattr(event.data, "currency")]
    assert {event.data.currency for event in events} == {"EUR"}
