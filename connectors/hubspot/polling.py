"""Contacts that are new or changed, and the forms they submitted.

https://developers.hubspot.com/docs/guides/api/crm/search. HubSpot keeps a contact's latest
submission among its properties (`recent_conversion_date`), so a form is told from there: of two
within one look the later one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from connectors.kit.payload import Contact, Id, Instant, Text, VendorModel, read
from connectors.kit.poll import Page, Poll, since, watermark
from connectors.kit.webhook import Source, Unreadable
from loyalty.events import (
    Activity,
    Channel,
    ConsentState,
    Customer,
    Event,
    EventType,
    subject_of,
)

FORM_SUBMITTED = "hubspot.form_submitted"

MaybeInstant = Annotated[Instant | None, BeforeValidator(lambda value: value or None)]


class _Properties(VendorModel):
    email: Contact = None
    phone: Contact = None
    first_name: Text = Field("", alias="firstname")
    last_name: Text = Field("", alias="lastname")
    created: Instant = Field(alias="createdate")
    changed: Instant = Field(alias="lastmodifieddate")
    opted_out: Text = Field("", alias="hs_email_optout")
    converted: MaybeInstant = Field(None, alias="recent_conversion_date")
    form: Text = Field("", alias="recent_conversion_event_name")


class ContactRecord(VendorModel):
    """One contact, with the properties that are asked for."""

    id: Id
    properties: _Properties


async def changed_since(
    client: Any, source: Source, *, cursor: str, now: datetime
) -> AsyncIterator[Page]:
    """Pages of changed contacts; the cursor moves when all are through."""
    start = latest = since(cursor, now)
    async for records in client.changed(start):
        events: list[Event] = []
        bad: list[str] = []
        for record in records:
            try:
                found = read(ContactRecord, record)
                events += events_of(found, start, source)
            except (Unreadable, ValidationError) as error:
                bad.append(
                    f"the contact {str(record.get('id'))[:30]} cannot be read: {error}"[:300]
                )
                continue
            latest = max(latest, found.properties.changed)
        yield Page(tuple(events), cursor, tuple(bad))
    # All were asked after `now`, so that whatever changed before it has been told.
    yield Page((), watermark(cursor, [min(latest, now.astimezone(UTC))]))


def events_of(found: ContactRecord, start: datetime, source: Source) -> list[Event]:
    """What a contact tells since then: that it is new or changed, and the form it submitted."""
    told = found.properties
    who = Customer(
        id=found.id,
        email=told.email,
        phone=told.phone,
        first_name=told.first_name,
        last_name=told.last_name,
        created_at=told.created,
        consents={Channel.EMAIL: ConsentState.WITHDRAWN} if told.opted_out == "true" else {},
    )
    is_new = told.created >= start
    events = [
        _event(EventType.CUSTOMER_CREATED, found.id, told.created, who, source)
        if is_new
        else _event(
            EventType.CUSTOMER_UPDATED,
            f"{found.id}:{told.changed.isoformat()}",
            told.changed,
            who,
            source,
        )
    ]
    if told.converted is not None and told.converted >= start:
        ref = f"{found.id}:{told.converted.isoformat()}"
        form = Activity(name=FORM_SUBMITTED, ref=f"{ref} {told.form}"[:200].strip(), customer=who)
        events.append(
            _event(EventType.ACTIVITY_REPORTED, f"{ref}:form", told.converted, form, source)
        )
    return events


def _event(
    kind: EventType, key: str, when: datetime, data: Customer | Activity, source: Source
) -> Event:
    who = data if isinstance(data, Customer) else data.customer
    subject = subject_of(source.store, who, key)
    return Event(type=kind, store=source.store, key=key, time=when, subject=subject, data=data)


POLL = Poll(
    changed_since,
    event_types=(
        EventType.CUSTOMER_CREATED,
        EventType.CUSTOMER_UPDATED,
        EventType.ACTIVITY_REPORTED,
    ),
    every=timedelta(minutes=15),
)
