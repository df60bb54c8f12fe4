"""What changed at Pipedrive: persons, deals that were won, activities that were done.

https://developers.pipedrive.com/docs/api/v1/Persons (updated_since). Deals and activities are
told as activities of the person they are about: they earn points by rules, never by their value.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from connectors.kit.payload import first_time, read
from connectors.kit.poll import Page, Poll, since, why_unreadable
from connectors.kit.webhook import Source, Unreadable
from connectors.pipedrive.payloads import (
    ActivityPayload,
    DealPayload,
    PersonPayload,
    ValuePayload,
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
CONSENTS = {"subscribed": ConsentState.GRANTED, "unsubscribed": ConsentState.WITHDRAWN}


async def changed_since(
    client: Any, source: Source, *, cursor: str, now: datetime
) -> AsyncIterator[Page]:
    """Persons first, so that a deal's person is known; the cursor is an instant.

    Until all three are through, the cursor stays: a stop in between asks again for what was
    told already, which counts once. Everything that changed before `now` has then been told.
    """
    start = since(cursor, now)
    status = {"include_fields": "marketing_status"} if client.account.reads_consent else {}
    questions: tuple[tuple[str, Mapping[str, str], Tell], ...] = (
        ("persons", status, person_events),
        ("deals", {"status": "won"}, deal_events),
        ("activities", {"done": "true"}, activity_events),
    )
    for resource, narrowed, tell in questions:
        async for page in client.changed(resource, start, **narrowed):
            events, bad = _told(page, tell, source, resource)
            yield Page(events, cursor, bad)
    yield Page((), now.astimezone(UTC).isoformat())


def _told(
    page: Sequence[Any], tell: Tell, source: Source, resource: str
) -> tuple[tuple[Event, ...], tuple[str, ...]]:
    events: list[Event] = []
    bad: list[str] = []
    for record in page:
        try:
            events += tell(record, source)
        except (Unreadable, ValidationError) as error:
            bad.append(why_unreadable(record, error, what=resource))
    return tuple(events), tuple(bad)


def person_events(record: Any, source: Source) -> Iterator[Event]:
    """A person who was made, and each later revision; a deleted one is not told."""
    found = read(PersonPayload, record)
    if found.is_deleted:
        return
    customer = _customer(found)
    subject = subject_of(source.store, customer, found.id)
    yield Event(
        type=EventType.CUSTOMER_CREATED,
        store=source.store,
        key=found.id,
        time=found.add_time,
        subject=subject,
        data=customer,
    )
    if found.update_time is not None and found.update_time > found.add_time:
        yield Event(
            type=EventType.CUSTOMER_UPDATED,
            store=source.store,
            key=f"{found.id}:{found.update_time.isoformat()}",
            time=found.update_time,
            subject=subject,
            data=customer,
        )


def _customer(found: PersonPayload) -> Customer:
    consent = CONSENTS.get(found.marketing_status)
    return Customer(
        id=found.id,
        email=_first(found.emails),
        phone=_first(found.phones),
        first_name=found.first_name or ("" if found.last_name else found.name),
        last_name=found.last_name,
        birthday=found.birthday,
        created_at=found.add_time,
        consents={Channel.EMAIL: consent} if consent else {},
    )


def _first(values: Sequence[ValuePayload]) -> str | None:
    """The primary one, else the first that is there."""
    known = sorted((one for one in values if one.value), key=lambda one: not one.primary)
    return known[0].value if known else None


def deal_events(record: Any, source: Source) -> Iterator[Event]:
    """A deal that was won, once; a deal without a person is nobody's."""
    found = read(DealPayload, record)
    if found.status != "won" or found.person_id is None or found.is_deleted:
        return
    when = first_time((found.won_time, found.update_time), f"deal {found.id}")
    yield _activity(source, "deal", found.id, "deal_won", found.person_id, when)


def activity_events(record: Any, source: Source) -> Iterator[Event]:
    """An activity that was done with a person, named by its type: `meeting_done`."""
    found = read(ActivityPayload, record)
    person = found.person_id or _participant(found)
    if not found.done or person is None or found.is_deleted:
        return
    when = first_time((found.marked_as_done_time, found.update_time), f"activity {found.id}")
    kind = re.sub(r"[^a-z0-9_]+", "_", found.type.lower())[:100] or "activity"
    yield _activity(source, "activity", found.id, f"{kind}_done", person, when)


def _participant(found: ActivityPayload) -> str | None:
    known = sorted((one for one in found.participants if one.person_id), key=_is_second)
    return known[0].person_id if known else None


def _is_second(one: Any) -> bool:
    return not one.primary


def _activity(
    source: Source, kind: str, identity: str, name: str, person: str, when: datetime
) -> Event:
    customer = Customer(id=person)
    return Event(
        type=EventType.ACTIVITY_REPORTED,
        store=source.store,
        key=f"{kind}:{identity}",
        time=when,
        subject=subject_of(source.store, customer, person),
        data=Activity(name=name, ref=identity, customer=customer),
    )


POLL = Poll(
    changed_since,
    event_types=(
        EventType.CUSTOMER_CREATED,
        EventType.CUSTOMER_UPDATED,
        EventType.ACTIVITY_REPORTED,
    ),
)
