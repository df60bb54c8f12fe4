"""LINE's webhooks: several events in one signed body.

Follows https://developers.line.biz/en/docs/messaging-api/receiving-messages/. Events of groups
and rooms are no talk with one person, and yield nothing. The first event that means something
is the delivery's topic; whatever it is, all events of the body are told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from connectors.kit.payload import Id, Items, Maybe, Text, VendorModel, read
from connectors.kit.webhook import (
    InboundRequest,
    Reply,
    Source,
    Trigger,
    Webhook,
    decode_json,
    hmac_base64,
    require_match,
    signing_secrets,
)
from loyalty.events import Activity, ChatMessage, Customer, Event, EventType, subject_of

SIGNATURE = "X-Line-Signature"
STOP_WORDS = frozenset({"stop", "unsubscribe", "配信停止", "停止", "退訂", "取消訂閱"})
YEAR_2200 = 7_258_118_400_000


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what the channel's secret did not sign."""
    secrets = signing_secrets(account.channel_secret)
    expected = [hmac_base64(secret, request.body) for secret in secrets]
    require_match(request.headers.get(SIGNATURE.lower()), expected, SIGNATURE)


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The header by which LINE proves a webhook."""
    return {SIGNATURE.lower(): hmac_base64(account.channel_secret, request.body)}


# --- what stands in them ---------------------------------------------------------------------


class From(VendorModel):
    type: Text = ""
    userId: Annotated[Id, Field(max_length=100)] | None = None  # noqa: N815 - LINE's spelling


class Message(VendorModel):
    id: Annotated[Id, Field(max_length=100)]
    type: Text = ""
    text: Text = ""


class Postback(VendorModel):
    data: Text = ""


class Link(VendorModel):
    result: Text
    nonce: Annotated[Id, Field(max_length=150)]


class LineEvent(VendorModel):
    type: Text
    webhookEventId: Annotated[Id, Field(max_length=100)]  # noqa: N815
    timestamp: Annotated[int, Field(strict=True, ge=0, lt=YEAR_2200)]
    source: Maybe[From] = None
    message: Maybe[Message] = None
    postback: Maybe[Postback] = None
    link: Maybe[Link] = None


class Kind(VendorModel):
    """As much of an event as says whether the rest is worth reading."""

    type: Text = ""
    source: Any = None


class Delivery(VendorModel):
    events: Items[dict[str, Any]]


def parse(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """Every event of a delivery that a person made in a chat with the account."""
    known = [one for one in read(Delivery, payload).events if read(Kind, one).type in TITLES]
    return [event for one in known for event in _told(read(LineEvent, one), source)]


def _told(found: LineEvent, source: Source) -> Sequence[Event]:
    who = found.source.userId if found.source and found.source.type == "user" else None
    if who is None:
        return []
    if found.type == "message" and found.message:
        told = [_message(found, found.message, who=who, source=source)]
        if found.message.type == "text" and found.message.text.lower().strip(".! ") in STOP_WORDS:
            told.append(_activity(found, "stop_asked", found.message.id, who=who, source=source))
        return told
    if found.type == "postback" and found.postback:
        ref = found.postback.data[:200] or found.webhookEventId
        return [_activity(found, "postback", ref, who=who, source=source)]
    if found.type == "accountLink" and found.link:
        if found.link.result != "ok":
            return []
        return [_activity(found, "account_linked", found.link.nonce, who=who, source=source)]
    if found.type in ("follow", "unfollow"):
        name = f"{found.type}ed"
        return [_activity(found, name, found.webhookEventId, who=who, source=source)]
    return []


def _message(found: LineEvent, message: Message, *, who: str, source: Source) -> Event:
    customer = Customer(id=who)
    return Event(
        type=EventType.CHAT_RECEIVED,
        store=source.store,
        key=found.webhookEventId,
        time=datetime.fromtimestamp(found.timestamp / 1000, UTC),
        subject=subject_of(source.store, customer, found.webhookEventId),
        data=ChatMessage(
            id=message.id, channel="line", body=message.text[:2000], customer=customer
        ),
    )


def _activity(found: LineEvent, name: str, ref: str, *, who: str, source: Source) -> Event:
    customer = Customer(id=who)
    key = found.webhookEventId
    return Event(
        type=EventType.ACTIVITY_REPORTED,
        store=source.store,
        key=f"{key}:stop" if name == "stop_asked" else key,
        time=datetime.fromtimestamp(found.timestamp / 1000, UTC),
        subject=subject_of(source.store, customer, key),
        data=Activity(name=f"line.{name}", ref=ref, customer=customer),
    )


# --- the declaration -------------------------------------------------------------------------

KINDS = (EventType.CHAT_RECEIVED, EventType.ACTIVITY_REPORTED)

TITLES = {
    "message": "Somebody wrote to the official account.",
    "postback": "Somebody pressed a button of a message.",
    "follow": "Somebody added or unblocked the official account.",
    "unfollow": "Somebody blocked the official account.",
    "accountLink": "Somebody linked their LINE account to their membership.",
}


def topic_of(request: InboundRequest, payload: Any) -> str:
    """The first event's type that means something; else the first's; empty for LINE's test."""
    kinds = [one.get("type") for one in _events(payload)]
    names = [kind for kind in kinds if isinstance(kind, str)]
    return next((name for name in names if name in TITLES), names[0] if names else "")


def _delivery_id(request: InboundRequest, payload: Any) -> str | None:
    """The id of the first event, since a delivery has none of its own."""
    ids = [one.get("webhookEventId") for one in _events(payload)[:1]]
    return next((found for found in ids if isinstance(found, str)), None)


def _events(payload: Any) -> list[dict[str, Any]]:
    events = payload.get("events") if isinstance(payload, dict) else None
    return [one for one in events if isinstance(one, dict)] if isinstance(events, list) else []


WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    topic=topic_of,
    triggers={
        kind: Trigger(kind, KINDS, title, parse, f"{kind}.json") for kind, title in TITLES.items()
    },
    sign=sign,
    delivery_id=_delivery_id,
    signing_field="channel_secret",
    acknowledge=Reply(200, b""),
)
