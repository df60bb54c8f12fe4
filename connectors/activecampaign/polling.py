"""Contacts that changed, and their standing on the list that counts as consent.

https://developers.activecampaign.com/reference/list-all-contacts. Contacts come by number, not
by the time of their change, so the cursor moves once all of them are told.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from connectors.activecampaign.contacts import SUBSCRIBED, UNSUBSCRIBED
from connectors.activecampaign.payloads import ContactRecord, Standing
from connectors.activecampaign.triggers import unsubscribed
from connectors.kit.payload import first_time, read
from connectors.kit.poll import Page, Poll, since, watermark, why_unreadable
from connectors.kit.webhook import Source, Unreadable
from loyalty.events import Channel, ConsentState, Customer, Event, EventType, subject_of


async def changed_since(
    client: Any, source: Source, *, cursor: str, now: datetime
) -> AsyncIterator[Page]:
    """Pages of changed contacts; the cursor is an instant."""
    start = since(cursor, now)
    latest = cursor
    async for records in client.changed(start):
        events: list[Event] = []
        bad: list[str] = []
        moments: list[datetime] = []
        for record in records:
            try:
                found = read(ContactRecord, record)
                when = first_time((found.udate, found.cdate), f"contact {found.id}")
                if when < start:
                    continue
                events += _about(found, source, when)
                if client.list_id:
                    standings = await client.standings(found.id)
                    events += _consent(found, standings, source, client.list_id, start)
                moments.append(when)
            except (Unreadable, ValidationError) as error:
                bad.append(why_unreadable(record, error))
        latest = watermark(latest, moments)
        yield Page(tuple(events), cursor, tuple(bad))
    # The walk began after `now` was taken, so that whatever changed before it has been told.
    end = min(latest, now.astimezone(UTC).isoformat()) if latest else start.isoformat()
    yield Page((), end)


def _customer(found: ContactRecord) -> Customer:
    return Customer(
        id=found.id,
        email=found.email,
        phone=found.phone,
        first_name=found.first_name,
        last_name=found.last_name,
        created_at=found.cdate,
    )


def _about(found: ContactRecord, source: Source, when: datetime) -> list[Event]:
    who = _customer(found)
    common: dict[str, Any] = {
        "store": source.store,
        "subject": subject_of(source.store, who, found.id),
        "data": who,
    }
    events = []
    if found.cdate is not None:
        events.append(
            Event(type=EventType.CUSTOMER_CREATED, key=found.id, time=found.cdate, **common)
        )
    if when != found.cdate:
        key = f"{found.id}:{when.isoformat()}"
        events.append(Event(type=EventType.CUSTOMER_UPDATED, key=key, time=when, **common))
    return events


def _consent(
    found: ContactRecord, standings: Any, source: Source, list_id: str, start: datetime
) -> list[Event]:
    """What the person said about the list since then; older acts were told when they happened."""
    events: list[Event] = []
    for one in standings:
        standing = read(Standing, one)
        if standing.list != list_id or found.email is None:
            continue
        if standing.status == SUBSCRIBED and standing.sdate and standing.sdate >= start:
            consents = {Channel.EMAIL: ConsentState.GRANTED}
            who = _customer(found).model_copy(update={"consents": consents})
            events.append(
                Event(
                    type=EventType.CUSTOMER_OPTED_IN,
                    store=source.store,
                    key=f"{found.id}:{list_id}:subscribed:{standing.sdate.isoformat()}",
                    time=standing.sdate,
                    subject=subject_of(source.store, who, found.id),
                    data=who,
                )
            )
        if standing.status == UNSUBSCRIBED and standing.udate and standing.udate >= start:
            events.append(
                unsubscribed(
                    source.store, found.id, found.email, list_id=list_id,
                    stamp=standing.udate.isoformat(), when=standing.udate,
                )
            )  # fmt: skip
    return events


POLL = Poll(
    changed_since,
    event_types=(
        EventType.CUSTOMER_CREATED,
        EventType.CUSTOMER_UPDATED,
        EventType.CUSTOMER_OPTED_IN,
        EventType.MESSAGE_UNSUBSCRIBED,
    ),
)
