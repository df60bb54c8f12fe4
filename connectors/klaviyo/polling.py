"""Who left, what bounced, and what else people did: Klaviyo's events, asked for by metric.

https://developers.klaviyo.com/en/reference/get_events. Anybody with a shop's public key can
write events of any name, so those that take a consent away count only where the metric is
Klaviyo's own; metrics that earn something have to be named in the account's settings.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, ValidationError

from connectors.kit.errors import ConnectorBug
from connectors.kit.paging import dig, walk
from connectors.kit.payload import Contact, Id, Instant, Maybe, Text, VendorModel, read
from connectors.kit.poll import Page, Poll, since, watermark
from connectors.kit.webhook import Source, Unreadable
from loyalty.events import (
    Activity,
    Channel,
    Customer,
    Event,
    EventType,
    MessageReport,
    subject_of,
)

PAGE_SIZE = 1000
PROFILE = ["email", "phone_number", "first_name", "last_name"]
REPORTS: Mapping[str, tuple[EventType, Channel]] = {
    "Unsubscribed from Email Marketing": (EventType.MESSAGE_UNSUBSCRIBED, Channel.EMAIL),
    "Unsubscribed from SMS Marketing": (EventType.MESSAGE_UNSUBSCRIBED, Channel.SMS),
    "Marked Email as Spam": (EventType.MESSAGE_UNSUBSCRIBED, Channel.EMAIL),
    "Bounced Email": (EventType.MESSAGE_BOUNCED, Channel.EMAIL),
}


class _Properties(VendorModel):
    email: Contact = Field(None, alias="email_address")
    method: Text = ""
    bounce: Text = Field("", alias="Bounce Type")


class _Attributes(VendorModel):
    at: Instant = Field(alias="datetime")
    properties: Maybe[_Properties] = Field(None, alias="event_properties")


class EventRecord(VendorModel):
    """One event, as Klaviyo tells it."""

    id: Id
    attributes: _Attributes


class Person(VendorModel):
    """What is read of a profile."""

    email: Contact = None
    phone: Contact = Field(None, alias="phone_number")
    first_name: Text = ""
    last_name: Text = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """One kind of event: its id, its name, and whether it is Klaviyo's own."""

    id: str
    name: str
    is_own: bool


async def changed_since(
    client: Any, source: Source, *, cursor: str, now: datetime
) -> AsyncIterator[Page]:
    """Metric by metric, oldest event first; the cursor moves when all are through."""
    start = latest = since(cursor, now)
    for metric in await _metrics(client):
        async for page in _pages(client, metric, start):
            events: list[Event] = []
            bad: list[str] = []
            people = _people(page)
            for record in page["data"]:
                try:
                    event = event_of(record, people, metric, source)
                except (Unreadable, ValidationError) as error:
                    name = record.get("id") if isinstance(record, dict) else None
                    bad.append(f"the event {str(name)[:60]} cannot be read: {error}"[:300])
                    continue
                events.append(event)
                latest = max(latest, event.time)
            yield Page(tuple(events), cursor, tuple(bad))
    # All were asked after `now`, so that whatever happened before it has been told.
    yield Page((), watermark(cursor, [min(latest, now.astimezone(UTC))]))


def event_of(
    record: Any, people: Mapping[str, Mapping[str, Any]], metric: Metric, source: Source
) -> Event:
    """What one event means to the hub; its id is the key.

    Raises:
        Unreadable: It names nobody who could be told apart.
    """
    found = read(EventRecord, record)
    profile = str(dig(record, "relationships.profile.data.id") or "")
    person = read(Person, people.get(profile, {}))
    who = Customer(
        id=profile or None,
        email=person.email,
        phone=person.phone,
        first_name=person.first_name,
        last_name=person.last_name,
    )
    data: MessageReport | Activity
    if metric.is_own and metric.name in REPORTS:
        kind, channel = REPORTS[metric.name]
        data = _report(found, person, metric.name, channel)
    elif who.is_anonymous:
        raise Unreadable("it names nobody")
    else:
        kind = EventType.ACTIVITY_REPORTED
        data = Activity(name=metric.name[:200], ref=found.id, customer=who)
    return Event(
        type=kind,
        store=source.store,
        key=found.id,
        time=found.attributes.at,
        subject=subject_of(source.store, who, found.id),
        data=data,
    )


def _report(found: EventRecord, person: Person, name: str, channel: Channel) -> MessageReport:
    properties = found.attributes.properties or _Properties()
    is_email = channel is Channel.EMAIL
    address = (properties.email or person.email) if is_email else person.phone
    if not address:
        raise Unreadable("it names no address")
    is_bounce = name == "Bounced Email"
    return MessageReport(
        channel=channel,
        address=address,
        detail=" ".join(one for one in (name, properties.bounce or properties.method) if one),
        permanent=not is_bounce or properties.bounce.lower() == "hard",
    )


async def _metrics(client: Any) -> list[Metric]:
    """The metrics that are listened to, by name."""
    wanted = set(client.account.activity_metrics)
    found: list[Metric] = []

    async def fetch(place: str) -> tuple[Sequence[Any], str | None]:
        params = {"page_cursor": place} if place else {}
        _, reply = await client.call(
            "Metrics", "get_metrics", expect=(200,), writes=False, **params
        )
        return _data(reply), _next(reply)

    async for records in walk(fetch, ""):
        for one in records:
            name = str(dig(one, "attributes.name") or "")
            is_own = dig(one, "attributes.integration.name") == "Klaviyo"
            if name in wanted or (is_own and name in REPORTS):
                found.append(Metric(str(one.get("id")), name, is_own))
    return found


async def _pages(client: Any, metric: Metric, start: datetime) -> AsyncIterator[dict[str, Any]]:
    """Replies with events of one metric since then, with the profiles they are about."""
    replies: list[dict[str, Any]] = []
    when = start.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    asked = {
        "filter": f'and(equals(metric_id,"{metric.id}"),greater-or-equal(datetime,{when}))',
        "include": ["profile"],
        "fields_profile": PROFILE,
        "page_size": PAGE_SIZE,
        "sort": "datetime",
    }

    async def fetch(place: str) -> tuple[Sequence[Any], str | None]:
        params = {**asked, "page_cursor": place} if place else asked
        _, reply = await client.call("Events", "get_events", expect=(200,), writes=False, **params)
        replies.append(reply)
        return _data(reply), _next(reply)

    async for _ in walk(fetch, ""):
        yield replies.pop()


def _people(reply: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    included = reply.get("included")
    return {
        str(one.get("id")): one.get("attributes") or {}
        for one in (included if isinstance(included, list) else ())
        if isinstance(one, dict) and one.get("type") == "profile"
    }


def _data(reply: Any) -> list[Any]:
    data = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise ConnectorBug("Klaviyo's reply lists no data")
    return data


def _next(reply: Any) -> str | None:
    """The cursor of the next page, out of its address."""
    link = dig(reply, "links.next")
    found = parse_qs(urlsplit(link).query).get("page[cursor]") if isinstance(link, str) else None
    return found[0] if found else None


POLL = Poll(
    changed_since,
    event_types=(
        EventType.MESSAGE_UNSUBSCRIBED,
        EventType.MESSAGE_BOUNCED,
        EventType.ACTIVITY_REPORTED,
    ),
    every=timedelta(minutes=15),
)
