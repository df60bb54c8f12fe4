"""What changed at Square, for what its webhooks missed or only ring for.

Payments, refunds and customers are what the webhooks carry, so the same functions read them
and the keys are the same. Orders and loyalty events come this way alone: their webhooks ring.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from connectors.kit.customers import (
    LONG_AGO,
    CustomerList,
    CustomerPage,
    from_instant,
    latest,
    read_page,
)
from connectors.kit.errors import NotFound, ScopeError
from connectors.kit.payload import Instant, VendorModel, read
from connectors.kit.poll import Page, Poll, since, watermark, why_unreadable
from connectors.kit.webhook import InboundRequest, Parse, Source, Unreadable
from connectors.square.activities import Members, activity
from connectors.square.orders import order_paid
from connectors.square.payloads import CustomerPayload
from connectors.square.triggers import (
    parse_customer,
    parse_customer_update,
    parse_payment,
    parse_refund,
)
from loyalty.events import Event, EventType
from loyalty.money import MoneyError

Tell = Callable[[Any], Sequence[Event]]


class Moments(VendorModel):
    """When a record was made and changed."""

    created_at: Instant | None = None
    updated_at: Instant | None = None


@dataclass
class _Look:
    """One look: the latest change seen so far, and how records become events."""

    source: Source
    now: datetime
    mark: str

    def told(self, page: Sequence[Any], tell: Tell) -> tuple[tuple[Event, ...], tuple[str, ...]]:
        """The events of a page, and what of it could not be read."""
        events: list[Event] = []
        bad: list[str] = []
        seen: list[datetime] = []
        for record in page:
            try:
                events += tell(record)
                times = read(Moments, record)
                seen += [one for one in (times.updated_at or times.created_at,) if one]
            except (Unreadable, ValidationError, MoneyError) as error:
                bad.append(why_unreadable(record, error))
        self.mark = watermark(self.mark, seen)
        return tuple(events), tuple(bad)

    def through(self, name: str, parse: Parse) -> Tell:
        """Reads a record as the webhook's object of that name."""
        request = InboundRequest("GET", "", {}, b"", self.now)

        def tell(record: Any) -> Sequence[Event]:
            return parse({"data": {"object": {name: record}}}, request, self.source)

        return tell

    def customer(self, record: Any) -> Sequence[Event]:
        """Its creation, and its latest change where there is one."""
        found = read(CustomerPayload, record)
        events = list(self.through("customer", parse_customer)(record))
        if found.updated_at not in (None, found.created_at):
            events += self.through("customer", parse_customer_update)(record)
        return events


async def changed_since(
    client: Any, source: Source, *, cursor: str, now: datetime
) -> AsyncIterator[Page]:
    """Customers first, so that a sale's buyer is known; the cursor is an instant.

    It moves once all is through: a stop in between asks again for what was told already, which
    counts once.
    """
    look = _Look(source, now, cursor)
    start = since(cursor, now)
    locations = await client.locations()
    walks: list[tuple[AsyncIterator[Sequence[Any]], Tell]] = [
        (client.customers(start), look.customer)
    ]
    payment = look.through("payment", parse_payment)
    walks += [(client.payments(location, start), payment) for location in locations]
    if client.reads_orders:
        walks.append((client.orders(locations, start), lambda one: order_paid(one, source)))
    walks.append((client.refunds(start), look.through("refund", parse_refund)))
    for pages, tell in walks:
        async for page in pages:
            events, bad = look.told(page, tell)
            yield Page(events, cursor, bad)
    async for found in _loyalty(client, look, start):
        yield Page(found.events, cursor, found.unreadable)
    # All was asked after `now`, so that whatever changed before it has been told.
    last = min(look.mark, now.astimezone(UTC).isoformat()) if look.mark else start.isoformat()
    yield Page((), last)


async def _loyalty(client: Any, look: _Look, start: datetime) -> AsyncIterator[Page]:
    """Loyalty events; a seller without a programme, or a token without the scope, has none."""
    members = Members(client)
    try:
        async for page in client.loyalty_events(start):
            await members.learn(page)
            events, bad = look.told(page, lambda one: activity(one, members, look.source))
            yield Page(events, "", bad)
    except (NotFound, ScopeError) as error:
        yield Page((), "", (f"loyalty events: {str(error)[:200]}",))


POLL = Poll(
    changed_since,
    event_types=(
        EventType.CUSTOMER_CREATED,
        EventType.CUSTOMER_UPDATED,
        EventType.PAYMENT_COMPLETED,
        EventType.ORDER_PAID,
        EventType.ORDER_REFUNDED,
        EventType.ACTIVITY_REPORTED,
    ),
)


async def every_customer(
    client: Any, source: Source, *, cursor: str
) -> AsyncIterator[CustomerPage]:
    """All customers in the order in which they were made; the cursor is an instant."""
    look = _Look(source, LONG_AGO, "")
    read_customer = look.through("customer", parse_customer)
    async for page in client.customers_made(from_instant(cursor)):
        cursor = latest(cursor, page, "created_at")
        yield read_page(page, lambda one: read_customer(one)[0].data, cursor)


CUSTOMERS = CustomerList(every_customer)
