"""What changed in the base: read from the payloads that its webhook keeps, for a week.

https://airtable.com/developers/web/api/list-webhook-payloads. A payload names the records; they
are read as they are now, by the names of their columns. Where the webhook is another one than
last time, or was not asked for too long, the tables themselves are asked what changed since, so
that nothing is lost with it. What the hub's own token wrote is not told: it would answer itself.

The cursor is `webhook:number:instant`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from connectors.airtable.account import AirtableAccount
from connectors.airtable.payloads import ChangePayload, PersonPayload, person_of
from connectors.airtable.subscriptions import watches_all
from connectors.kit.payload import read
from connectors.kit.poll import Page, Poll, since, why_unreadable
from connectors.kit.webhook import Source, Unreadable
from loyalty.events import Activity, Customer, Event, EventType, subject_of

KEPT = timedelta(days=6)
"""Airtable keeps payloads for a week; a day is left for clocks and delays."""
IDS = 50
"""How many records are asked for in one formula, which stands in the address."""


@dataclass(frozen=True)
class Place:
    """How far the base was read.

    Attributes:
        at: When everything before it had been told, as an instant; empty at the first look.
    """

    webhook: str = ""
    number: int = 1
    at: str = ""

    @classmethod
    def of(cls, cursor: str) -> Place:
        """The place that a cursor names; the beginning where it names none."""
        found = re.fullmatch(r"([A-Za-z0-9]*):(\d{1,18}):(.*)", cursor)
        return cls(found[1], max(int(found[2]), 1), found[3]) if found else cls()

    def __str__(self) -> str:
        return f"{self.webhook}:{self.number}:{self.at}"


async def changed_since(
    client: Any, source: Source, *, cursor: str, now: datetime
) -> AsyncIterator[Page]:
    """Page after page of payloads; each page's cursor can be gone on from."""
    place, here = Place.of(cursor), now.astimezone(UTC).isoformat()
    start = since(place.at, now)
    hook = _ours(await client.webhooks(), place.webhook)
    is_known = hook is not None and hook["id"] == place.webhook
    if not is_known or now - start > KEPT:
        # The number is asked before the tables: what changes meanwhile comes twice, not never.
        number = _next_number(hook)
        async for page in _caught_up(client, source, start=start, now=now):
            yield Page(page.events, cursor, page.unreadable)
        place = Place(str(hook["id"]) if hook else "", number, here)
        yield Page((), str(place))
    if hook is None:
        return
    me = await client.user()
    async for payloads, following in client.payloads(place.webhook, place.number):
        place = Place(place.webhook, following, place.at)
        changes, bad = _read(payloads, me)
        told = await _told(client, source, changes)
        yield Page(told.events, str(place), (*bad, *told.unreadable))
    yield Page((), str(Place(place.webhook, place.number, here)))


def _ours(hooks: Sequence[Mapping[str, Any]], known: str) -> Mapping[str, Any] | None:
    """The webhook that was read last, else one that notes every change of records."""
    for one in hooks:
        if one["id"] == known:
            return one
    return next((one for one in sorted(hooks, key=_identity) if watches_all(one)), None)


def _identity(hook: Mapping[str, Any]) -> str:
    return str(hook["id"])


def _next_number(hook: Mapping[str, Any] | None) -> int:
    number = hook.get("cursorForNextPayload") if hook else None
    return number if type(number) is int and number > 0 else 1


# --- payloads --------------------------------------------------------------------------------


def _read(payloads: Sequence[Any], me: str) -> tuple[list[ChangePayload], list[str]]:
    changes: list[ChangePayload] = []
    bad: list[str] = []
    for one in payloads:
        if isinstance(one, dict) and one.get("error") is True:
            bad.append(f"Airtable could not note a change: {str(one.get('code'))[:60]}")
            continue
        try:
            change = read(ChangePayload, one)
        except Unreadable as error:
            bad.append(str(error)[:300])
            continue
        if not _is_own(change, me):
            changes.append(change)
    return changes, bad


def _is_own(change: ChangePayload, me: str) -> bool:
    action = change.action
    who = action.metadata.user if action and action.metadata else None
    return action is not None and action.source == "publicApi" and who is not None and who.id == me


async def _told(client: Any, source: Source, changes: Sequence[ChangePayload]) -> Page:
    """The records of these changes as they are now; of several changes the last counts."""
    account: AirtableAccount = client.account
    people: dict[str, ChangePayload | None] = {}
    forms: dict[str, None] = {}
    for change in changes:
        for table, inner in (change.tables or {}).items():
            made = inner.created or {}
            if table == account.people_table:
                people |= {one: people.get(one) for one in made}
                people |= dict.fromkeys(inner.changed or {}, change)
            if table == account.activity_table:
                forms |= dict.fromkeys(made)
    events: list[Event] = []
    bad: list[str] = []
    async for record in _records(client, account.people_table, list(people)):
        revision = people.get(str(record.get("id")))
        _add(events, bad, record, person_events(record, source, account, revision))
    async for record in _records(client, account.activity_table, list(forms)):
        _add(events, bad, record, activity_events(record, source, account))
    return Page(tuple(events), "", tuple(bad))


async def _records(client: Any, table: str, ids: Sequence[str]) -> AsyncIterator[dict[str, Any]]:
    good = [one for one in ids if re.fullmatch(r"rec[A-Za-z0-9]{14}", one)]
    for start in range(0, len(good), IDS):
        parts = (f"RECORD_ID()='{one}'" for one in good[start : start + IDS])
        async for page in client.records(table, f"OR({','.join(parts)})"):
            for record in page:
                if isinstance(record, dict):
                    yield record


# --- without payloads ------------------------------------------------------------------------


async def _caught_up(
    client: Any, source: Source, *, start: datetime, now: datetime
) -> AsyncIterator[Page]:
    """What the tables say changed since, a page at a time."""
    account: AirtableAccount = client.account
    moment = f"DATETIME_PARSE('{start.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S.000Z')}')"
    made = f"IS_AFTER(CREATED_TIME(),{moment})"
    if account.people_table:
        formula = f"OR({made},IS_AFTER(LAST_MODIFIED_TIME(),{moment}))"
        async for page in client.records(account.people_table, formula):
            events: list[Event] = []
            bad: list[str] = []
            for record in page:
                told = person_events(record, source, account, None, changed=(start, now))
                _add(events, bad, record, told)
            yield Page(tuple(events), "", tuple(bad))
    if account.activity_table:
        async for page in client.records(account.activity_table, made):
            events, bad = [], []
            for record in page:
                _add(events, bad, record, activity_events(record, source, account))
            yield Page(tuple(events), "", tuple(bad))


def _add(events: list[Event], bad: list[str], record: Any, told: Iterator[Event]) -> None:
    try:
        events += told
    except (Unreadable, ValidationError) as error:
        bad.append(why_unreadable(record, error, what="record"))


# --- events ----------------------------------------------------------------------------------


def person_events(
    record: Any,
    source: Source,
    account: AirtableAccount,
    revision: ChangePayload | None,
    *,
    changed: tuple[datetime, datetime] | None = None,
) -> Iterator[Event]:
    """A person who was added, and the change of theirs.

    Args:
        revision: The transaction that changed the record; None where it only was made.
        changed: In place of it, the span in which it changed, where no transaction is known.
    """
    found = person_of(record, account)
    customer = _customer(found, is_person=True)
    subject = subject_of(source.store, customer, found.id)
    yield Event(
        type=EventType.CUSTOMER_CREATED,
        store=source.store,
        key=found.id,
        time=found.created,
        subject=subject,
        data=customer,
    )
    if revision is not None:
        when, mark = revision.timestamp, str(revision.number)
    elif changed is not None and found.created < changed[0]:
        when, mark = changed[1], changed[1].astimezone(UTC).isoformat()
    else:
        return
    yield Event(
        type=EventType.CUSTOMER_UPDATED,
        store=source.store,
        key=f"{found.id}:{mark}",
        time=when,
        subject=subject,
        data=customer,
    )


def activity_events(record: Any, source: Source, account: AirtableAccount) -> Iterator[Event]:
    """Something that a person did; a record that names nobody is told to nobody."""
    found = person_of(record, account)
    customer = _customer(found, is_person=False)
    if customer.is_anonymous:
        return
    yield Event(
        type=EventType.ACTIVITY_REPORTED,
        store=source.store,
        key=f"activity:{found.id}",
        time=found.created,
        subject=subject_of(source.store, customer, found.id),
        data=Activity(name=account.activity_name, ref=found.id, customer=customer),
    )


def _customer(found: PersonPayload, *, is_person: bool) -> Customer:
    return Customer(
        id=found.id if is_person else None,
        email=found.email,
        phone=found.phone,
        first_name=found.first_name,
        last_name=found.last_name,
        created_at=found.created if is_person else None,
    )


POLL = Poll(
    changed_since,
    event_types=(
        EventType.CUSTOMER_CREATED,
        EventType.CUSTOMER_UPDATED,
        EventType.ACTIVITY_REPORTED,
    ),
)
