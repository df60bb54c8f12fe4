"""What changed at the shop, for what its webhooks missed.

The resources are those of the webhooks, so the same functions read them and the keys are the
same. An order that says that money went back is asked for its refunds, whole.
https://developer.shopline.com/docs/admin-rest-api/order/order-management/get-orders
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from connectors.kit.customers import (
    EVERYTHING,
    LONG_AGO,
    CustomerList,
    CustomerPage,
    read_page,
    through,
)
from connectors.kit.errors import NotFound
from connectors.kit.payload import read
from connectors.kit.poll import Page, Poll, since, watermark, why_unreadable
from connectors.kit.webhook import InboundRequest, Source, Unreadable
from connectors.shopline.payloads import OrderPayload
from connectors.shopline.triggers import (
    paid_at,
    parse_cancellation,
    parse_customer,
    parse_customer_update,
    parse_order,
    parse_order_update,
    parse_refund,
    read_customer,
)
from loyalty.events import Event, EventType
from loyalty.money import MoneyError

UNREADABLE = (Unreadable, ValidationError, MoneyError)
REFUNDED = frozenset({"partially_refunded", "refunded"})


async def changed_since(
    client: Any, source: Source, *, cursor: str, now: datetime
) -> AsyncIterator[Page]:
    """Customers first, so that an order's buyer is known; the cursor is an instant.

    The lists have no order that is promised, so the cursor stays until all was told.
    """
    start = since(cursor, now)
    request = InboundRequest("GET", "", {}, b"", now)
    latest = cursor
    async for page in client.changed("/v2/customers.json", "customers", start):
        events: list[Event] = []
        bad: list[str] = []
        for record in page:
            try:
                events += _customer(record, request, source, start)
                latest = watermark(latest, [_changed_at(record)])
            except UNREADABLE as error:
                bad.append(why_unreadable(record, error, what="customer"))
        yield Page(tuple(events), cursor, tuple(bad))
    async for page in client.changed("/orders.json", "orders", start):
        events, bad = [], []
        for record in page:
            try:
                events += _order(record, request, source)
                latest = watermark(latest, [_changed_at(record)])
            except UNREADABLE as error:
                bad.append(why_unreadable(record, error, what="order"))
            found, problems = await _refunds(client, record, request, source)
            events += found
            bad += problems
        yield Page(tuple(events), cursor, tuple(bad))
    # Everything was asked for after `now`: a clock ahead of ours must not skip what follows.
    yield Page((), min(latest, now.astimezone(UTC).isoformat()) if latest else start.isoformat())


def _changed_at(record: Any) -> datetime:
    try:
        return datetime.fromisoformat(str(record["updated_at"])).astimezone(UTC)
    except (KeyError, ValueError):
        raise Unreadable("it does not say when it changed") from None


def _customer(
    record: Any, request: InboundRequest, source: Source, start: datetime
) -> Iterator[Event]:
    """Creation only where it lies in the time asked about: an old customer is no newcomer."""
    found = read_customer(record)
    if found.created_at is not None and found.created_at >= start:
        yield from parse_customer(record, request, source)
    if found.updated_at != found.created_at:
        yield from parse_customer_update(record, request, source)


def _order(record: Any, request: InboundRequest, source: Source) -> Iterator[Event]:
    found = read(OrderPayload, record)
    yield from parse_order(record, request, source)
    if found.updated_at is not None and found.updated_at > paid_at(found):
        yield from parse_order_update(record, request, source)
    yield from parse_cancellation(record, request, source)


async def _refunds(
    client: Any, record: Any, request: InboundRequest, source: Source
) -> tuple[list[Event], list[str]]:
    """The refunds of an order, each read by itself; none are asked for where none are said."""
    fields = record if isinstance(record, dict) else {}
    identity = str(fields.get("id") or "")
    says_so = fields.get("refunds") or fields.get("financial_status") in REFUNDED
    if not says_so or not identity.isascii() or not identity.isalnum():
        return [], []
    events: list[Event] = []
    bad: list[str] = []
    try:
        refunds = await client.refunds(identity)
    except NotFound:
        return [], []  # the order was deleted since
    for refund in refunds:
        try:
            whole = {"order_id": identity, **refund} if isinstance(refund, dict) else refund
            events += parse_refund(whole, request, source)
        except UNREADABLE as error:
            bad.append(why_unreadable(refund, error, what="refund"))
    return events, bad


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
    """All customers; the list has no order that is promised, so a stop begins again."""
    read_one = through(parse_customer, source)
    pages = client.changed("/v2/customers.json", "customers", LONG_AGO, bounds=EVERYTHING)
    async for page in pages:
        yield read_page(page, read_one, "")


CUSTOMERS = CustomerList(every_customer)
