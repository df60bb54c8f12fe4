"""What changed in the CRM: contacts, leads, and deals that were won.

https://www.zoho.com/crm/developer/docs/api/v8/get-records.html (If-Modified-Since). A lead is no
customer yet: it is told as an activity, so that rules may greet it, and so is a deal that stands
in a stage that counts as won.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from connectors.kit.payload import read
from connectors.kit.poll import Page, Poll, since, why_unreadable
from connectors.kit.webhook import Source, Unreadable
from connectors.zoho.payloads import (
    CONTACT_FIELDS,
    DEAL_FIELDS,
    LEAD_FIELDS,
    DealPayload,
    PersonPayload,
)
from loyalty.events import (
    Activity,
    Channel,
    ConsentState,
    Customer,
    Event,
    EventType,
    subject_of,
)

Tell = Callable[[Any, Source], Iterator[Event]]


async def changed_since(
    client: Any, source: Source, *, cursor: str, now: datetime
) -> AsyncIterator[Page]:
    """Contacts first, so that a deal's person is known; the cursor is an instant.

    Until all modules are through, the cursor stays: a stop in between asks again for what was
    told already, which counts once. Everything that changed before `now` has then been told.
    """
    start = since(cursor, now)
    won = frozenset(client.account.won_stages)
    modules: tuple[tuple[str, Sequence[str], Tell], ...] = (
        ("Contacts", CONTACT_FIELDS, contact_events),
        ("Leads", LEAD_FIELDS, lead_events),
        ("Deals", DEAL_FIELDS, lambda record, here: deal_events(record, here, won)),
    )
    for module, fields, tell in modules:
        async for page in client.changed(module, fields, start):
            events, bad = _told(page, tell, source, module)
            yield Page(events, cursor, bad)
    yield Page((), now.astimezone(UTC).isoformat())


def _told(
    page: Sequence[Any], tell: Tell, source: Source, module: str
) -> tuple[tuple[Event, ...], tuple[str, ...]]:
    events: list[Event] = []
    bad: list[str] = []
    for record in page:
        try:
            events += tell(record, source)
        except (Unreadable, ValidationError) as error:
            bad.append(why_unreadable(record, error, what=module))
    return tuple(events), tuple(bad)


def _customer(found: PersonPayload, *, is_contact: bool) -> Customer:
    withdrawn = {Channel.EMAIL: ConsentState.WITHDRAWN} if found.Email_Opt_Out else {}
    return Customer(
        id=found.id if is_contact else None,
        email=found.Email,
        phone=found.Mobile or found.Phone,
        first_name=found.First_Name,
        last_name=found.Last_Name,
        country=found.Mailing_Country,
        birthday=found.Date_of_Birth,
        created_at=found.Created_Time if is_contact else None,
        tags=tuple(tag.name for tag in found.Tag if tag.name),
        consents=withdrawn,
    )


def contact_events(record: Any, source: Source) -> Iterator[Event]:
    """A contact that was made, and each later revision of it."""
    found = read(PersonPayload, record)
    customer = _customer(found, is_contact=True)
    subject = subject_of(source.store, customer, found.id)
    yield Event(
        type=EventType.CUSTOMER_CREATED,
        store=source.store,
        key=found.id,
        time=found.Created_Time,
        subject=subject,
        data=customer,
    )
    if found.Modified_Time > found.Created_Time:
        yield Event(
            type=EventType.CUSTOMER_UPDATED,
            store=source.store,
            key=f"{found.id}:{found.Modified_Time.isoformat()}",
            time=found.Modified_Time,
            subject=subject,
            data=customer,
        )


def lead_events(record: Any, source: Source) -> Iterator[Event]:
    """A lead that came in, once; what is changed in it later is the sales team's."""
    found = read(PersonPayload, record)
    customer = _customer(found, is_contact=False)
    if customer.is_anonymous:
        return
    yield Event(
        type=EventType.ACTIVITY_REPORTED,
        store=source.store,
        key=f"lead:{found.id}",
        time=found.Created_Time,
        subject=subject_of(source.store, customer, found.id),
        data=Activity(name="lead_created", ref=found.id, customer=customer),
    )


def deal_events(record: Any, source: Source, won: frozenset[str]) -> Iterator[Event]:
    """A deal that was won, once; a deal without a contact is nobody's."""
    found = read(DealPayload, record)
    if found.Stage not in won or found.Contact_Name is None:
        return
    customer = Customer(id=found.Contact_Name.id)
    yield Event(
        type=EventType.ACTIVITY_REPORTED,
        store=source.store,
        key=f"deal:{found.id}",
        time=found.Modified_Time,
        subject=subject_of(source.store, customer, found.id),
        data=Activity(name="deal_won", ref=found.id, customer=customer),
    )


POLL = Poll(
    changed_since,
    event_types=(
        EventType.CUSTOMER_CREATED,
        EventType.CUSTOMER_UPDATED,
        EventType.ACTIVITY_REPORTED,
    ),
)
