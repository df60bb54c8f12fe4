"""What changed at the shop, for what its webhooks missed.

The REST resources of orders and customers are what the webhooks' bodies are, so the same
functions read them and the keys are the same. An order carries its refunds with it.
https://shopify.dev/docs/api/admin-rest/latest/resources/order (updated_at_min).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pydantic import ValidationError

from connectors.kit.customers import (
    EVERYTHING,
    CustomerList,
    CustomerPage,
    from_instant,
    latest,
    read_page,
    through,
)
from connectors.kit.payload import first_time, read
from connectors.kit.poll import Page, Poll, since, watermark, why_unreadable
from connectors.kit.webhook import InboundRequest, Source, Unreadable
from connectors.shopify.payloads import CustomerPayload, OrderPayload
from connectors.shopify.triggers import (
    parse_cancellation,
    parse_customer,
    parse_customer_update,
    parse_order,
    parse_order_update,
    parse_refund,
)
from loyalty.events import Event, EventType
from loyalty.money import MoneyError

Tell = Callable[[Any, InboundRequest, Source], Iterator[Event]]


async def changed_since(
    client: Any, source: Source, *, cursor: str, now: datetime
) -> AsyncIterator[Page]:
    """Customers first, so that an order's buyer is known; the cursor is an instant.

    Until the orders are through, the cursor stays: a stop in between asks again for what was
    told already, which counts once.
    """
    start = since(cursor, now)
    seen = cursor
    async for page in client.changed("customers", start):
        events, seen, bad = _told(page, partial(_customer, start), source, now, seen)
        yield Page(events, cursor, bad)
    latest = cursor
    async for page in client.changed("orders", start):
        events, latest, bad = _told(page, _order, source, now, latest)
        yield Page(events, cursor, bad)
    # Both were asked after `now`, so that whatever changed before it has been told.
    marks = [mark for mark in (seen, latest) if mark]
    last = min(max(marks), now.astimezone(UTC).isoformat()) if marks else start.isoformat()
    yield Page((), last)


def _told(
    page: Any, tell: Tell, source: Source, now: datetime, mark: str
) -> tuple[tuple[Event, ...], str, tuple[str, ...]]:
    request = InboundRequest("GET", "", {}, b"", now)
    events: list[Event] = []
    bad: list[str] = []
    moments: list[datetime] = []
    for record in page:
        try:
            events += tell(record, request, source)
            moments.append(_changed_at(record))
        except (Unreadable, ValidationError, MoneyError) as error:
            bad.append(why_unreadable(record, error))
    return tuple(events), watermark(mark, moments), tuple(bad)


def _changed_at(record: Any) -> datetime:
    return datetime.fromisoformat(str(record["updated_at"])).astimezone(UTC)


def _customer(
    start: datetime, record: Any, request: InboundRequest, source: Source
) -> Iterator[Event]:
    """Somebody who was there long before is no newcomer to be welcomed, whatever changed."""
    found = read(CustomerPayload, record)
    if found.created_at is not None and found.created_at >= start:
        yield from parse_customer(record, request, source)
    if found.updated_at != found.created_at:
        yield from parse_customer_update(record, request, source)


def _order(record: Any, request: InboundRequest, source: Source) -> Iterator[Event]:
    found = read(OrderPayload, record)
    yield from parse_order(record, request, source)
    paid_at = first_time((found.processed_at, found.created_at), f"order {found.id}")
    if found.updated_at is not None and found.updated_at > paid_at:
        yield from parse_order_update(record, request, source)
    for refund in record.get("refunds") or ():
        yield from parse_refund({"order_id": found.id, **refund}, request, source)
    yield from parse_cancellation(record, request, source)


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


MOST_ON_A_PAGE = 250


async def every_customer(
    client: Any, source: Source, *, cursor: str
) -> AsyncIterator[CustomerPage]:
    """All customers, those that changed longest ago first: who changes meanwhile comes again."""
    start, read_customer = from_instant(cursor), through(parse_customer, source)
    pages = client.changed("customers", start, size=MOST_ON_A_PAGE, bounds=EVERYTHING)
    async for page in pages:
        cursor = latest(cursor, page, "updated_at")
        yield read_page(page, read_customer, cursor)


CUSTOMERS = CustomerList(every_customer, slots=5)
"""REST lets two calls a second pass on the Standard plan, of a budget that is nine a second
(shopify.dev/docs/api/admin-rest/usage/rate-limits)."""
