"""WhatsApp's webhooks, signed by the Meta app: messages, what became of ours, preferences.

Follows https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/.
Several of them may come in one body; the first that means something is its topic, and all are
told. A request for set-up comes as GET and proves itself by the verify token.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.kit.meta import asks_to_stop, handshake, objects, sign, verify
from connectors.kit.payload import read
from connectors.kit.webhook import (
    InboundRequest,
    Reply,
    Source,
    Trigger,
    Webhook,
    decode_json,
)
from connectors.whatsapp.payloads import Incoming, Preference, Report, Update, Value
from loyalty.events import Activity, ChatMessage, Customer, Event, EventType, subject_of

KINDS = (EventType.CHAT_RECEIVED, EventType.ACTIVITY_REPORTED)
FIELDS = ("messages", "user_preferences")
FAILURES = {131026: "unreachable", 131047: "window_closed", 470: "window_closed"}


# --- what they become ------------------------------------------------------------------------


def parse(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """Everything that a delivery tells of people, whatever its topic is."""
    found: list[Event] = []
    for value in _values(read(Update, payload)):
        for message in value.messages:
            found += _messages(message, source)
        for report in value.statuses:
            found += _reports(report, source)
        for preference in value.user_preferences:
            found += _preferences(preference, source)
    return found


def _values(update: Update) -> Iterator[Value]:
    for entry in update.entry:
        yield from (read(Value, one.value) for one in entry.changes if one.field in FIELDS)


@dataclass(frozen=True, slots=True)
class _Fact:
    """Who did something, and when."""

    who: str
    when: datetime
    source: Source

    def told(self, name: str, key: str, *, ref: str) -> Event:
        customer = Customer(id=self.who, phone=f"+{self.who}" if self.who.isdigit() else None)
        return Event(
            type=EventType.ACTIVITY_REPORTED,
            store=self.source.store,
            key=key,
            time=self.when,
            subject=subject_of(self.source.store, customer, key),
            data=Activity(name=f"whatsapp.{name}", ref=ref, customer=customer),
        )

    def wrote(self, message: Incoming) -> Event:
        """As a message of a conversation."""
        customer = Customer(id=self.who, phone=f"+{self.who}" if self.who.isdigit() else None)
        return Event(
            type=EventType.CHAT_RECEIVED,
            store=self.source.store,
            key=message.id,
            time=self.when,
            subject=subject_of(self.source.store, customer, message.id),
            data=ChatMessage(
                id=message.id, channel="whatsapp", body=message.said[:2000], customer=customer
            ),
        )


def _messages(message: Incoming, source: Source) -> list[Event]:
    """That somebody wrote; and that they asked to stop, or have a new number."""
    if message.group_id:
        return []
    fact = _Fact(message.sender, message.timestamp, source)
    if message.type == "system":
        changed = message.system
        if changed is None or changed.type != "user_changed_number" or not changed.wa_id:
            return []
        return [fact.told("number_changed", message.id, ref=changed.wa_id)]
    if message.type in ("button", "interactive"):
        told = [fact.told("button", message.id, ref=message.pressed or message.id)]
    else:
        told = [fact.wrote(message)]
    if asks_to_stop(message.said):
        told.append(fact.told("stop_asked", f"{message.id}:stop", ref=message.id))
    return told


def _reports(report: Report, source: Source) -> list[Event]:
    """Delivered, read, or failed; that it was sent the hub knows already."""
    if report.status not in ("delivered", "read", "failed") or report.group_id:
        return []
    name = report.status
    if name == "failed" and report.errors:
        name = FAILURES.get(report.errors[0].code, name)
    fact = _Fact(report.recipient_id, report.timestamp, source)
    return [fact.told(name, f"{report.id}:{report.status}", ref=report.id)]


def _preferences(preference: Preference, source: Source) -> list[Event]:
    """A person stopped or resumed marketing messages in WhatsApp's own menu."""
    names = {"stop": "marketing_stopped", "resume": "marketing_resumed"}
    if preference.category != "marketing_messages" or preference.value not in names:
        return []
    at = str(int(preference.timestamp.timestamp()))
    fact = _Fact(preference.wa_id, preference.timestamp, source)
    key = f"{preference.wa_id}:{preference.value}:{at}"
    return [fact.told(names[preference.value], key, ref=at)]


# --- the declaration -------------------------------------------------------------------------

TITLES = {
    "messages": "Somebody wrote to the business number.",
    "statuses": "A message was delivered, was read, or failed.",
    "user_preferences": "Somebody stopped or resumed marketing messages.",
}


def topic_of(request: InboundRequest, payload: Any) -> str:
    """What the first change that means something is about; else the first change's field."""
    fields: list[str] = []
    for change in _raw_changes(payload):
        value, field = change.get("value"), change.get("field")
        if field in FIELDS and isinstance(value, dict):
            for topic in TITLES:
                if value.get(topic):
                    return topic
        fields += [field] if isinstance(field, str) else []
    return next((field for field in fields if field not in TITLES), "")


def _raw_changes(payload: Any) -> Iterator[dict[str, Any]]:
    for entry in objects(payload.get("entry") if isinstance(payload, dict) else None):
        yield from objects(entry.get("changes"))


WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    topic=topic_of,
    triggers={
        topic: Trigger(topic, KINDS, title, parse, f"{topic}.json")
        for topic, title in TITLES.items()
    },
    sign=sign,
    handshake=handshake,
    signing_field="app_secret",
    acknowledge=Reply(200, b"EVENT_RECEIVED"),
)
