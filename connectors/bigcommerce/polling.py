"""What changed at the store: the only way in which BigCommerce's facts come in.

Its webhooks hold ids, so they ring, and this asks. An order's lines, coupons and refunds are
asked for only where they matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from connectors.bigcommerce.orders import customer_events, order_events
from connectors.bigcommerce.payloads import OrderPayload
from connectors.kit.customers import (
    CustomerList,
    CustomerPage,
    from_instant,
    latest,
    read_page,
)
from connectors.kit.payload import read
from connectors.kit.poll import Page, Poll, since, watermark, why_unreadable
from connectors.kit.webhook import Source, Unreadable
from loyalty.events import Event, EventType
from loyalty.money import MoneyError

REASONS = (Unreadable, ValidationError, MoneyError)


async def changed_since(
    client: Any, source: Source, *, cursor: str, now: datetime
) -> AsyncIterator[Page]:
    """Customers first, so that an order's buyer is known; the cursor is an instant.

    Until the orders are through, the cursor stays: a stop in between asks again for what was
    told already, which counts once.
    """
    start = since(cursor, now)
    async for records in client.changed_customers(start):
        events: list[Event] = []
        bad: list[str] = []
        for record in records:
            _tell(customer_events(record, source), record, events, bad)
        yield Page(tuple(events), cursor, tuple(bad))
    latest = start
    async for records in client.changed_orders(start):
        page, changed = await _orders(client, source, records, cursor)
        latest = max(latest, *changed) if changed else latest
        yield page
    # Both were asked after `now`, so that whatever changed before it has been told.
    yield Page((), watermark(cursor, [min(max(latest, start), now.astimezone(UTC))]))


async def _orders(
    client: Any, source: Source, records: Any, cursor: str
) -> tuple[Page, list[datetime]]:
    events: list[Event] = []
    bad: list[str] = []
    orders: list[OrderPayload] = []
    for record in records:
        try:
            orders.append(read(OrderPayload, record))
        except Unreadable as error:
            bad.append(why_unreadable(record, error))
    refunded = [one.id for one in orders if one.is_paid and one.may_have_refunds]
    refunds = defaultdict(list)
    for one in await client.refunds(refunded):
        refunds[str(one.get("order_id"))].append(one)
    for order in orders:
        products = await client.order_products(order.id) if order.is_paid else ()
        is_off = not (order.is_paid and order.coupon_discount)
        coupons = () if is_off else await client.order_coupons(order.id)
        told = order_events(
            order, source, products=products, coupons=coupons, refunds=refunds[order.id]
        )
        _tell(told, {"id": order.id}, events, bad)
    return Page(tuple(events), cursor, tuple(bad)), [one.date_modified for one in orders]


def _tell(told: Iterator[Event], record: Any, events: list[Event], bad: list[str]) -> None:
    """Adds what a record tells; what came before it proves unreadable stays told."""
    try:
        for event in told:
            events.append(event)
    except REASONS as error:
        bad.append(why_unreadable(record, error))


POLL = Poll(
    changed_since,
    event_types=(
        EventType.CUSTOMER_CREATED,
        EventType.CUSTOMER_UPDATED,
        EventType.ORDER_PAID,
        EventType.ORDER_EDITED,
        EventType.ORDER_REFUNDED,
        EventType.ORDER_CANCELLED,
    ),
)


async def every_customer(
    client: Any, source: Source, *, cursor: str
) -> AsyncIterator[CustomerPage]:
    """All customers in the order in which they were made; the cursor is an instant."""
    async for page in client.customers_made(from_instant(cursor)):
        cursor = latest(cursor, page, "date_created")
        yield read_page(page, lambda one: next(customer_events(one, source)).data, cursor)


CUSTOMERS = CustomerList(every_customer)
