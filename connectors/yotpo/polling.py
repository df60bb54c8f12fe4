"""What customers earned and spent at Yotpo, read from their histories over the API.

https://loyaltyapi.yotpo.com/reference/fetch-all-recently-updated-customers says whose record
changed, https://loyaltyapi.yotpo.com/reference/fetch-customer-details tells each history. What
the hub itself did there carries its mark and is passed over: it is no news.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from connectors.kit.errors import NotFound
from connectors.kit.payload import (
    Contact,
    Items,
    OptionalId,
    Text,
    UtcInstant,
    VendorModel,
    first_time,
    read,
)
from connectors.kit.poll import Page, Poll, since
from connectors.kit.webhook import Source, Unreadable
from connectors.yotpo.actions import MARK
from loyalty.events import Activity, Customer, Event, EventType, Redemption, subject_of

LAG = timedelta(hours=1)
"""Yotpo promises no time within which the history follows, so each look goes back a little."""

DONE = frozenset({"", "approved", "completed", "succeeded", "success"})
"""States in which points count; what is pending or declined is told when it is approved."""

WholePoints = Annotated[int, Field(ge=-1_000_000_000, le=1_000_000_000)]


def _whole(value: Any) -> Any:
    """Points may come as text; none are zero."""
    return 0 if value is None or value == "" else value


class HistoryItem(VendorModel):
    """One line of a customer's history; the documentation shows no complete one."""

    id: OptionalId = None
    action: Text = ""
    points: Annotated[WholePoints, BeforeValidator(_whole)] = 0
    status: Text = ""
    completed_at: UtcInstant | None = None
    created_at: UtcInstant | None = None
    date: UtcInstant | None = None


class CustomerPayload(VendorModel):
    """A customer's record; `third_party_id` is the shop's own id."""

    email: Contact = None
    phone_number: Contact = None
    first_name: Text = ""
    last_name: Text = ""
    third_party_id: OptionalId = None
    history_items: Items[Any] = ()


async def changed_since(
    client: Any, source: Source, *, cursor: str, now: datetime
) -> AsyncIterator[Page]:
    """What happened since, customer by customer; the cursor is the instant of the last look."""
    start = since(cursor, now, overlap=LAG)
    left = client.account.recent_customers
    is_cut = False
    async for page in client.recent_customers():
        is_cut = len(page) > left
        events: list[Event] = []
        bad: list[str] = []
        for record in page[:left]:
            found, problems = await _history(client, source, record, start)
            events += found
            bad += problems
        left -= min(len(page), left)
        yield Page(tuple(events), cursor, tuple(bad))
        if is_cut:
            break
    told = ("more customers changed than recent_customers lets one poll look at",)
    yield Page((), now.astimezone(UTC).isoformat(), told if is_cut else ())


async def _history(
    client: Any, source: Source, record: Any, start: datetime
) -> tuple[list[Event], list[str]]:
    try:
        named = read(CustomerPayload, record)
        if named.email is None:
            return [], []
        query = {"customer_email": named.email}
        customer = read(CustomerPayload, await client.customer(query, with_history=True))
    except NotFound:
        return [], []  # gone since the list was made
    except Unreadable as error:
        return [], [f"a customer: {str(error)[:200]}"]
    events: list[Event] = []
    bad: list[str] = []
    seen: Counter[str] = Counter()
    is_booked = client.account.redemptions == "booked"
    for item in customer.history_items:
        try:
            found = read(HistoryItem, item)
            when = first_time((found.completed_at, found.created_at, found.date), "the history")
            key = _key(customer, found, when, seen)
            if _is_news(found, item) and when >= start:
                events.append(_told(customer, found, key, when, source, is_booked=is_booked))
        except (Unreadable, ValidationError) as error:
            bad.append(f"a line of a history: {str(error)[:200]}")
    return events, bad


def _is_news(found: HistoryItem, item: Any) -> bool:
    return bool(found.points) and found.status.lower() in DONE and MARK not in str(item)


def _key(customer: CustomerPayload, item: HistoryItem, when: datetime, seen: Counter[str]) -> str:
    """Yotpo's id of the line, else what it says; equal lines are numbered."""
    who = customer.third_party_id or (customer.email or "").lower()
    what = item.id or f"{when.isoformat()}:{item.action}:{item.points}"
    digest = hashlib.sha256(f"{who}:{what}".encode()).hexdigest()[:32]
    seen[digest] += 1
    return digest if seen[digest] == 1 else f"{digest}:{seen[digest]}"


def _told(
    payload: CustomerPayload,
    item: HistoryItem,
    key: str,
    when: datetime,
    source: Source,
    *,
    is_booked: bool,
) -> Event:
    customer = Customer(
        id=payload.third_party_id,
        email=payload.email,
        phone=payload.phone_number,
        first_name=payload.first_name,
        last_name=payload.last_name,
    )
    is_spent = item.points < 0
    data: Activity | Redemption
    if is_spent and is_booked:
        data = Redemption(id=key, points=-item.points, reward=item.action, customer=customer)
    else:
        name = "yotpo:points_redeemed" if is_spent else "yotpo:points_awarded"
        data = Activity(name=name, ref=key, customer=customer)
    is_redemption = isinstance(data, Redemption)
    return Event(
        type=EventType.REWARD_REDEEMED if is_redemption else EventType.ACTIVITY_REPORTED,
        store=source.store,
        key=key,
        time=when,
        subject=subject_of(source.store, customer, key),
        data=data,
    )


POLL = Poll(
    changed_since,
    event_types=(EventType.ACTIVITY_REPORTED, EventType.REWARD_REDEEMED),
    every=timedelta(minutes=15),
    also_by_webhook=False,
)
