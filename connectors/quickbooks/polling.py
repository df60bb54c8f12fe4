"""What changed in the books: customers first, then sales receipts.

https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/
data-queries. The cursor is two instants, one of each; every page may be resumed from.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from decimal import DecimalException
from typing import Any

from pydantic import ValidationError

from connectors.kit.poll import Page, Poll, since, watermark, why_unreadable
from connectors.kit.webhook import Source, Unreadable
from connectors.quickbooks.books import customer_events, receipt_events
from loyalty.events import Event, EventType
from loyalty.money import MoneyError

Tell = Callable[[Any], Iterator[Event]]


async def changed_since(
    client: Any, source: Source, *, cursor: str, now: datetime
) -> AsyncIterator[Page]:
    """Both kinds, each from where it was left."""
    people, _, sales = cursor.partition("|")
    home = client.account.currency
    begin = since(people, now)
    async for page in client.changed("Customer", begin):
        events, people, bad = _told(page, lambda one: customer_events(one, source, begin), people)
        yield Page(events, f"{people}|{sales}", bad)
    if not client.account.tells_sales:
        return
    start = since(sales, now)
    async for page in client.changed("SalesReceipt", start):
        events, sales, bad = _told(
            page, lambda one: receipt_events(one, source, home, start), sales
        )
        yield Page(events, f"{people}|{sales}", bad)


def _told(
    page: Sequence[Any], tell: Tell, mark: str
) -> tuple[tuple[Event, ...], str, tuple[str, ...]]:
    events: list[Event] = []
    bad: list[str] = []
    for record in page:
        try:
            events += tell(record)
        except (Unreadable, ValidationError, MoneyError, DecimalException) as error:
            bad.append(why_unreadable(record, error, key="Id"))
    return tuple(events), watermark(mark, _moments(page)), tuple(bad)


def _moments(page: Sequence[Any]) -> Iterator[datetime]:
    for record in page:
        times = record.get("MetaData") if isinstance(record, dict) else None
        text = times.get("LastUpdatedTime") if isinstance(times, dict) else None
        with suppress(ValueError, TypeError):
            found = datetime.fromisoformat(text)  # type: ignore[arg-type]
            if found.tzinfo:
                yield found


POLL = Poll(
    changed_since,
    event_types=(
        EventType.CUSTOMER_CREATED,
        EventType.CUSTOMER_UPDATED,
        EventType.ORDER_PAID,
        EventType.ORDER_EDITED,
        EventType.ORDER_CANCELLED,
    ),
)
