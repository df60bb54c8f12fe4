"""The customers of the programme that changed: Smile.io's own word, asked for with the key.

https://dev.smile.io/api/customers/list-all-customers (updated_at_min). The order of the list
is not promised, so the cursor moves only after the last page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationError

from connectors.kit.payload import (
    Contact,
    Id,
    Text,
    UtcInstant,
    VendorModel,
    first_time,
    read,
)
from connectors.kit.poll import Page, Poll, since, watermark, why_unreadable
from connectors.kit.webhook import Source, Unreadable
from loyalty.events import Customer, Event, EventType, subject_of


def _day(value: Any) -> date | None:
    """A birthday is told where it is whole; a day without a year is not one."""
    try:
        found = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found and found.year > 1900 else None


class CustomerPayload(VendorModel):
    """A customer as the API tells it."""

    id: Id
    email: Contact = None
    first_name: Text = ""
    last_name: Text = ""
    state: Text = ""
    date_of_birth: Annotated[date | None, BeforeValidator(_day)] = None
    created_at: UtcInstant | None = None
    updated_at: UtcInstant | None = None


async def changed_since(
    client: Any, source: Source, *, cursor: str, now: datetime
) -> AsyncIterator[Page]:
    """Customers created or changed; the cursor is an instant."""
    start = since(cursor, now)
    latest = cursor
    async for page in client.customers_since(start):
        events: list[Event] = []
        bad: list[str] = []
        moments: list[datetime] = []
        for record in page:
            try:
                found = read(CustomerPayload, record)
                moments.append(first_time((found.updated_at, found.created_at), "the customer"))
                if found.state in client.states:
                    events += told(found, source, start)
            except (Unreadable, ValidationError) as error:
                bad.append(why_unreadable(record, error, what="customer"))
        latest = watermark(latest, moments)
        yield Page(tuple(events), cursor, tuple(bad))
    # Everything was asked for after `now`: a clock ahead of ours must not skip what follows.
    yield Page((), min(latest, now.astimezone(UTC).isoformat()) if latest else start.isoformat())


def told(found: CustomerPayload, source: Source, start: datetime) -> Iterator[Event]:
    """Creation where it lies in the time asked about, and every revision after it."""
    customer = Customer(
        id=found.id,
        email=found.email,
        first_name=found.first_name,
        last_name=found.last_name,
        birthday=found.date_of_birth,
        created_at=found.created_at,
        tags=(f"smile:{found.state}",) if found.state else (),
    )
    subject = subject_of(source.store, customer, found.id)
    if found.created_at is not None and found.created_at >= start:
        yield Event(
            type=EventType.CUSTOMER_CREATED,
            store=source.store,
            key=found.id,
            time=found.created_at,
            subject=subject,
            data=customer,
        )
    if found.updated_at is not None and found.updated_at != found.created_at:
        yield Event(
            type=EventType.CUSTOMER_UPDATED,
            store=source.store,
            key=f"{found.id}:{found.updated_at.isoformat()}",
            time=found.updated_at,
            subject=subject,
            data=customer,
        )


POLL = Poll(
    changed_since,
    event_types=(EventType.CUSTOMER_CREATED, EventType.CUSTOMER_UPDATED),
    every=timedelta(minutes=15),
    also_by_webhook=False,
)
