"""Buttons that were pressed and things that people did in Slack, as activities.

https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
https://docs.slack.dev/reference/events
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from connectors.kit.payload import Contact, Id, Items, Maybe, OptionalId, Text, VendorModel, read
from connectors.kit.webhook import InboundRequest, Source, Unreadable, decode_json
from connectors.slack.messages import OPENS_A_LINK
from loyalty.events import Activity, Customer, Event, EventType, subject_of

_STAMP = re.compile(r"(\d{10})\.(\d{6})")

ORDINARY = frozenset({"", "thread_broadcast", "file_share"})
"""Kinds of message that a person wrote; the others are the bots' and Slack's own."""


class _About(VendorModel):
    """Whom a button is about: what the hub wrote into its value."""

    card: OptionalId = None
    email: Contact = None
    phone: Contact = None
    ref: Annotated[str, Field(max_length=200)] = ""

    @property
    def customer(self) -> Customer | None:
        found = Customer(card=self.card, email=self.email, phone=self.phone)
        return None if found.is_anonymous else found


class _Pressed(VendorModel):
    type: Text = ""
    action_id: Id
    action_ts: Text = ""
    value: Annotated[str, Field(max_length=2000)] | None = None


class _Container(VendorModel):
    channel_id: OptionalId = None
    message_ts: OptionalId = None


class _Interaction(VendorModel):
    container: Maybe[_Container] = None
    actions: Items[_Pressed]


class _Item(VendorModel):
    channel: OptionalId = None
    ts: OptionalId = None


class _Happened(VendorModel):
    """The inner event; what each kind has of it."""

    type: Id
    subtype: Text = ""
    bot_id: OptionalId = None
    user: OptionalId = None
    channel: OptionalId = None
    ts: OptionalId = None
    event_ts: OptionalId = None
    reaction: Text = ""
    item: Maybe[_Item] = None

    @property
    def ref(self) -> str:
        """What makes it one of its kind."""
        if self.item is not None:
            return f"{self.item.channel}:{self.item.ts}:{self.reaction}"
        return f"{self.channel}:{self.ts}" if self.ts else str(self.channel)


class _Envelope(VendorModel):
    event_id: Id
    event: _Happened


def parse_buttons(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """Each button that was pressed, once per message, whoever pressed it and how often."""
    found = read(_Interaction, payload)
    at = found.container or _Container()
    pressed = [one for one in found.actions if one.type == "button"]
    return [_pressed(one, at, source) for one in pressed if one.action_id != OPENS_A_LINK]


def _pressed(button: _Pressed, at: _Container, source: Source) -> Event:
    about = _about(button.value or "")
    # In a dialog or on a home tab there is no message; each press is then one of its own.
    place = f"{at.channel_id}:{at.message_ts or button.action_ts}"
    told = "\n".join((place, button.action_id, button.value or ""))
    key = f"press:{hashlib.sha256(told.encode()).hexdigest()[:40]}"
    return _event(
        key,
        Activity(name=f"slack.{button.action_id}", ref=about.ref or place, customer=about.customer),
        instant(button.action_ts),
        source,
    )


def _about(value: str) -> _About:
    """Whom the button is about; a value that is not the hub's says nothing of it."""
    try:
        return read(_About, decode_json(value.encode("utf-8", "surrogatepass")))
    except Unreadable:
        return _About()


def parse_event(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """What a person did; what bots do, the hub's own among them, is left out."""
    found = read(_Envelope, payload)
    inner = found.event
    if inner.user is None or inner.bot_id is not None or inner.subtype not in ORDINARY:
        return []
    activity = Activity(name=f"slack.{inner.type}", ref=inner.ref, customer=Customer(id=inner.user))
    when = instant(inner.event_ts or inner.ts or "")
    return [_event(found.event_id, activity, when, source)]


def _event(key: str, activity: Activity, when: datetime, source: Source) -> Event:
    return Event(
        type=EventType.ACTIVITY_REPORTED,
        store=source.store,
        key=key,
        time=when,
        subject=_subject(source.store, activity.customer, key),
        data=activity,
    )


def _subject(store: str, customer: Customer | None, key: str) -> str:
    if customer is not None and customer.card and not (customer.email or customer.phone):
        return f"{store}:card:{customer.card}"
    return subject_of(store, customer, key)


def instant(stamp: str) -> datetime:
    """`1702506383.129070`: seconds and microseconds since 1970."""
    found = _STAMP.fullmatch(stamp) if stamp.isascii() else None
    if found is None:
        raise Unreadable(f"the time {stamp[:30]!r} is not a timestamp of Slack's")
    return datetime.fromtimestamp(int(found[1]), UTC) + timedelta(microseconds=int(found[2]))
