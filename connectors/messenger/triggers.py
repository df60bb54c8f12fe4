"""Messenger's webhooks, signed by the Meta app: what people did in a chat with the Page.

Follows https://developers.facebook.com/docs/messenger-platform/reference/webhook-events. Several
of them may come in one body; the first that means something is its topic, and all are told. A
request for set-up comes as GET and proves itself by the verify token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.kit.meta import asks_to_stop, handshake, objects, sign, verify
from connectors.kit.payload import read
from connectors.kit.webhook import (
    InboundRequest,
    Reply,
    Source,
    Trigger,
    Unreadable,
    Webhook,
    decode_json,
)
from connectors.messenger.payloads import Message, Messaging, Update, moment
from loyalty.events import Activity, ChatMessage, Customer, Event, EventType, subject_of

# --- what they become ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Fact:
    """Who did something, and when in milliseconds since 1970."""

    who: str
    at: int
    source: Source

    def told(self, name: str, ref: str, *, key: str = "") -> Event:
        """As an activity; what has no id of its own is one by person, name and time."""
        customer = Customer(id=self.who)
        identity = key or f"{self.who}:{name}:{self.at}"
        return Event(
            type=EventType.ACTIVITY_REPORTED,
            store=self.source.store,
            key=identity,
            time=moment(self.at),
            subject=subject_of(self.source.store, customer, identity),
            data=Activity(name=f"messenger.{name}", ref=ref[:200] or identity, customer=customer),
        )

    def wrote(self, message: Message) -> Event:
        """As a message of a conversation."""
        customer = Customer(id=self.who)
        return Event(
            type=EventType.CHAT_RECEIVED,
            store=self.source.store,
            key=message.mid,
            time=moment(self.at),
            subject=subject_of(self.source.store, customer, message.mid),
            data=ChatMessage(
                id=message.mid, channel="messenger", body=message.text[:2000], customer=customer
            ),
        )


def parse(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """Everything that a delivery tells of people, whatever its topic is."""
    update = read(Update, payload)
    if update.object != "page":
        return []
    found = [one for entry in update.entry for one in entry.messaging if _part(one)]
    return [event for one in found for event in _told(read(Messaging, one), source)]


def _told(one: Messaging, source: Source) -> Iterator[Event]:
    who = one.sender.id if one.sender else None
    if who is None or (one.message and one.message.is_echo):
        return
    if one.delivery:
        fact = _Fact(who, one.delivery.watermark, source)
        yield from (
            fact.told("delivered", mid, key=f"{mid}:delivered") for mid in one.delivery.mids
        )
        return
    if one.read:
        yield _Fact(who, one.read.watermark, source).told("read", str(one.read.watermark))
        return
    if one.timestamp is None:
        raise Unreadable("the payload cannot be read: timestamp: it says no time")
    yield from _done(one, _Fact(who, one.timestamp, source))


def _done(one: Messaging, fact: _Fact) -> Iterator[Event]:
    """What a person did: wrote, pressed, linked, opted in, came by a link."""
    if one.message:
        yield from _written(one.message, fact)
    if one.postback:
        key = f"{one.postback.mid}:postback" if one.postback.mid else ""
        yield fact.told("postback", one.postback.payload, key=key)
    if one.account_linking and one.account_linking.status in ("linked", "unlinked"):
        linking = one.account_linking
        yield fact.told(f"account_{linking.status}", linking.authorization_code)
    if one.optin:
        yield fact.told("opted_in", one.optin.ref or one.optin.payload)
    if one.referral:
        yield fact.told("referred", one.referral.ref or one.referral.source)


def _written(message: Message, fact: _Fact) -> Iterator[Event]:
    if message.quick_reply:
        yield fact.told("quick_reply", message.quick_reply.payload, key=message.mid)
    else:
        yield fact.wrote(message)
    if asks_to_stop(message.text):
        yield fact.told("stop_asked", message.mid, key=f"{message.mid}:stop")


# --- the declaration -------------------------------------------------------------------------

KINDS = (EventType.CHAT_RECEIVED, EventType.ACTIVITY_REPORTED)

PARTS = {
    "message": ("messages", "Somebody wrote to the Page."),
    "postback": ("messaging_postbacks", "Somebody pressed a button of a message."),
    "account_linking": ("messaging_account_linking", "Somebody linked or unlinked an account."),
    "delivery": ("message_deliveries", "Messages of the Page were delivered."),
    "read": ("message_reads", "Messages of the Page were read."),
    "optin": ("messaging_optins", "Somebody opted in to messages of the Page."),
    "referral": ("messaging_referrals", "Somebody came into the chat by a link or an ad."),
}
"""Which part makes it what it is; Meta's name of the field that is subscribed for it."""


def topic_of(request: InboundRequest, payload: Any) -> str:
    """The field of the first thing that means something; empty where nothing does."""
    if not isinstance(payload, dict) or payload.get("object") != "page":
        return ""
    for entry in objects(payload.get("entry")):
        for one in objects(entry.get("messaging")):
            if part := _part(one):
                return PARTS[part][0]
    return ""


def _part(one: Mapping[str, Any]) -> str:
    return next((name for name in PARTS if one.get(name)), "")


WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    topic=topic_of,
    triggers={
        field: Trigger(field, KINDS, title, parse, f"{field}.json")
        for field, title in PARTS.values()
    },
    sign=sign,
    handshake=handshake,
    signing_field="app_secret",
    acknowledge=Reply(200, b"EVENT_RECEIVED"),
)
