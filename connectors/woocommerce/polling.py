"""What changed at the shop, for what its webhooks missed: WooCommerce sends none again.

Orders and customers of the REST API are what the webhooks' bodies are, so the same functions
read them and the keys are the same.
https://woocommerce.github.io/woocommerce-rest-api-docs/#list-all-orders (orderby=modified).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from connectors.kit.customers import CustomerList, CustomerPage, read_page, through
from connectors.kit.payload import UtcInstant, VendorModel, read
from connectors.kit.poll import Page, Poll, since, watermark, why_unreadable
from connectors.kit.webhook import InboundRequest, Source, Unreadable
from connectors.woocommerce.payloads import CustomerPayload
from connectors.woocommerce.triggers import parse_customer, parse_customer_update, parse_order
from loyalty.events import Event, EventType
from loyalty.money import MoneyError

CLOCK_CHANGE = timedelta(hours=1, minutes=30)
"""WooCommerce sorts by the site's local time: when the clocks go back, an hour comes twice."""
Tell = Callable[[Any, InboundRequest, Source], Sequence[Event]]


class Moments(VendorModel):
    """When a record was made and changed."""

    date_created_gmt: UtcInstant | None = None
    date_modified_gmt: UtcInstant | None = None


@dataclass
class _Look:
    """One look at the shop: from when on, and the latest change seen so far."""

    source: Source
    now: datetime
    start: datetime
    mark: str
    oldest: datetime = field(init=False)

    def told(
        self, page: Sequence[Any], tell: Tell, moment: Callable[[Moments], datetime | None]
    ) -> tuple[tuple[Event, ...], tuple[str, ...]]:
        """The events of one page's records that are new enough, and what could not be read."""
        request = InboundRequest("GET", "", {}, b"", self.now)
        events: list[Event] = []
        bad: list[str] = []
        seen: list[datetime] = []
        for record in page:
            try:
                when = moment(read(Moments, record))
                if when is None:
                    raise Unreadable("it has no time")
                seen.append(when)
                if when >= self.start:
                    events += tell(record, request, self.source)
            except (Unreadable, ValidationError, MoneyError) as error:
                bad.append(why_unreadable(record, error))
        self.mark = watermark(self.mark, (when for when in seen if when >= self.start))
        self.oldest = min(seen, default=self.start)
        return tuple(events), tuple(bad)


async def changed_since(
    client: Any, source: Source, *, cursor: str, now: datetime
) -> AsyncIterator[Page]:
    """New customers first, so that an order's buyer is known; the cursor is an instant.

    Both come newest first, so the cursor stays until the last page: a stop in between asks
    again for what was told already, which counts once.
    """
    look = _Look(source, now, since(cursor, now), cursor)
    query = {"orderby": "registered_date", "role": "all"}
    async for page in client.newest("customers", query):
        events, bad = look.told(page, _customer, lambda found: found.date_created_gmt)
        yield Page(events, cursor, bad)
        if look.oldest < look.start:
            break
    async for page in client.newest("orders", {"orderby": "modified"}):
        events, bad = look.told(page, parse_order, lambda found: found.date_modified_gmt)
        yield Page(events, cursor, bad)
        if look.oldest < look.start - CLOCK_CHANGE:
            break
    # All was asked after `now`, so that whatever changed before it has been told.
    last = min(look.mark, now.astimezone(UTC).isoformat()) if look.mark else look.start.isoformat()
    yield Page((), last)


def _customer(record: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    found = read(CustomerPayload, record)
    events = list(parse_customer(record, request, source))
    if found.date_modified_gmt not in (None, found.date_created_gmt):
        events += parse_customer_update(record, request, source)
    return events


POLL = Poll(
    changed_since,
    event_types=(
        EventType.CUSTOMER_CREATED,
        EventType.CUSTOMER_UPDATED,
        EventType.ORDER_PAID,
        EventType.ORDER_REFUNDED,
        EventType.ORDER_CANCELLED,
    ),
)


async def every_customer(
    client: Any, source: Source, *, cursor: str
) -> AsyncIterator[CustomerPage]:
    """All customers by page; the cursor is the last page, which is read once more to go on.

    A customer that the shop deletes meanwhile moves all behind them up a place: one of them may
    be missed, and the next import has them.
    """
    number, read_customer = max(int(cursor or 1), 1), through(parse_customer, source)
    async for page in client.customers_from(number):
        yield read_page(page, read_customer, str(number))
        number += 1


CUSTOMERS = CustomerList(every_customer)
