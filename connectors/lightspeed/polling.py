"""What changed at the tills since a version.

https://x-series-api.lightspeedhq.com/docs/pagination: the cursor is two versions, one of the
customers and one of the sales. A connection that was never asked is not read from the first
sale on: the version of three days ago is looked for by halving.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from connectors.kit.customers import CustomerList, CustomerPage, read_page
from connectors.kit.errors import ConnectorBug
from connectors.kit.poll import FIRST_LOOK, Page, Poll, why_unreadable
from connectors.kit.webhook import Source, Unreadable
from connectors.lightspeed.client import version_of
from connectors.lightspeed.sales import customer_events, sale_events
from loyalty.events import Customer, Event, EventType
from loyalty.money import MoneyError

NEAR = 256
"""How near below the right version the search may stop: reading these again costs two pages."""

Tell = Callable[[Any], Iterator[Event]]


async def changed_since(
    client: Any, source: Source, *, cursor: str, now: datetime
) -> AsyncIterator[Page]:
    """Customers first, so that a sale's buyer is known; every page may be resumed from."""
    currency = await _currency(client)
    customers, sales = await _start(client, cursor, now)
    async for page in client.changed("customers", customers):
        events, customers, bad = _told(page, lambda one: customer_events(one, source), customers)
        yield Page(events, f"{customers}.{sales}", bad)
    async for page in client.changed("sales", sales):
        events, sales, bad = _told(page, lambda one: sale_events(one, source, currency), sales)
        yield Page(events, f"{customers}.{sales}", bad)


def _told(page: Any, tell: Tell, mark: int) -> tuple[tuple[Event, ...], int, tuple[str, ...]]:
    events: list[Event] = []
    bad: list[str] = []
    for record in page:
        mark = max(mark, version_of(record))
        try:
            for event in tell(record):
                events.append(event)
        except (Unreadable, ValidationError, MoneyError) as error:
            bad.append(why_unreadable(record, error))
    return tuple(events), mark, tuple(bad)


async def _currency(client: Any) -> str:
    """Sales do not name one: it is the retailer's."""
    found = (await client.retailer()).get("currency")
    code = found.get("code") if isinstance(found, dict) else found
    if not isinstance(code, str) or not code:
        raise ConnectorBug("Lightspeed does not say which currency the retailer sells in")
    return code


async def _start(client: Any, cursor: str, now: datetime) -> tuple[int, int]:
    known = re.fullmatch(r"(\d{1,18})\.(\d{1,18})", cursor)
    if known:
        return int(known[1]), int(known[2])
    start = now - FIRST_LOOK
    return await _version_at(client, "customers", start), await _version_at(client, "sales", start)


async def _version_at(client: Any, resource: str, start: datetime) -> int:
    """A version after which comes everything that changed since `start`, and little else."""
    low, high = 0, 2**16
    while (older := await _older_than(client, resource, high, start)) is not None:
        low, high = older, max(older, high) * 4
    while high - low > NEAR:
        middle = (low + high) // 2
        older = await _older_than(client, resource, middle, start)
        low, high = (low, middle) if older is None else (older, high)
    return low


async def _older_than(client: Any, resource: str, after: int, start: datetime) -> int | None:
    """The version of what changed next, if that was before `start`."""
    record = await client.first_after(resource, after)
    if record is None:
        return None
    try:
        changed_at = datetime.fromisoformat(str(record.get("updated_at")))
    except ValueError:
        raise ConnectorBug(f"Lightspeed's {resource} do not say when they changed") from None
    is_older = (changed_at if changed_at.tzinfo else changed_at.replace(tzinfo=UTC)) < start
    return version_of(record) if is_older else None


POLL = Poll(
    changed_since,
    event_types=(
        EventType.CUSTOMER_CREATED,
        EventType.CUSTOMER_UPDATED,
        EventType.ORDER_PAID,
        EventType.ORDER_EDITED,
        EventType.ORDER_CANCELLED,
        EventType.ORDER_REFUNDED,
        EventType.REFUND_REVERSED,
    ),
)


async def every_customer(
    client: Any, source: Source, *, cursor: str
) -> AsyncIterator[CustomerPage]:
    """All customers since a version; who changes meanwhile comes again with a higher one."""

    def customer_of(record: Any) -> Customer | None:
        event = next(customer_events(record, source), None)
        return None if event is None else event.data

    after = int(cursor) if cursor.isdecimal() else 0
    async for page in client.changed("customers", after):
        after = max([after, *(version_of(one) for one in page)])
        yield read_page(page, customer_of, str(after))


CUSTOMERS = CustomerList(every_customer)
