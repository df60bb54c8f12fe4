"""Events from your own shop, already in the hub's words, signed in the Standard Webhooks way.

The body is `{"type", "key", "time", "data"}`, with an optional `subject` and `customer`; the
README shows one. `key` is the business identity of the fact: the order's or refund's id. Where
the connection has a mapping, bodies of any other shape become such a one first.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, Field, ValidationError, model_validator

from connectors.kit.fields import key_of
from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    Source,
    Trigger,
    Unreadable,
    Webhook,
    decode_json,
    require_fresh,
    require_object,
    signing_secrets,
)
from connectors.webhook.account import WebhookAccount
from connectors.webhook.mapping import Entry, Unmapped, mapped, parse_mapping
from loyalty.events import (
    DATA_MODELS,
    Customer,
    Event,
    EventType,
    Frozen,
    InboundMessage,
    Key,
    MemberMerge,
    MessageReport,
    subject_of,
)

TOLERANCE = timedelta(minutes=5)
MAX_SIGNATURES = 10

CONCLUDED = frozenset(
    {
        EventType.MILESTONE_REACHED,
        EventType.TIER_CHANGED,
        EventType.ANNIVERSARY_DUE,
        EventType.BIRTHDAY_DUE,
        EventType.INVITATION_CLAIMED,
        EventType.MEMBER_BLOCKED,
        EventType.MEMBER_UNBLOCKED,
        EventType.SIGN_IN_ASKED,
        EventType.CONSENT_GIVEN,
        EventType.CONSENT_WITHDRAWN,
        EventType.CONSENT_REQUESTED,
        EventType.CONSENT_CONFIRMED,
        EventType.REVIEW_DECIDED,
        EventType.CHAT_INVITED,
        EventType.CHAT_BOUND,
        EventType.REFERRAL_DECIDED,
        EventType.REFERRAL_EARNED,
        EventType.REFERRAL_CANCELLED,
        EventType.REWARD_REQUESTED,
        EventType.REWARD_ISSUED,
        EventType.REWARD_FAILED,
        EventType.REWARD_USED,
        EventType.REWARD_EXPIRED,
        EventType.REWARD_VOIDED,
    }
)
"""What the hub finds out itself, from its own books and pages; nobody else can tell it."""

TITLES = {
    EventType.CUSTOMER_CREATED: "Somebody became a customer.",
    EventType.CUSTOMER_UPDATED: "A customer's data changed.",
    EventType.CUSTOMER_OPTED_IN: "A customer agreed to messages.",
    EventType.ORDER_PAID: "An order was paid.",
    EventType.ORDER_EDITED: "A paid order was changed.",
    EventType.ORDER_CANCELLED: "An order was called off.",
    EventType.ORDER_REFUNDED: "Money was given back on an order.",
    EventType.PAYMENT_COMPLETED: "A payment without line items was taken.",
    EventType.REFUND_REVERSED: "A refund was taken back.",
    EventType.REWARD_REDEEMED: "Points were spent on a reward.",
    EventType.REWARD_HELD: "Points were set aside at a checkout.",
    EventType.REWARD_CAPTURED: "Points that were set aside were used.",
    EventType.REWARD_RELEASED: "Points that were set aside are free again.",
    EventType.GIFT_CODE_REDEEMED: "Somebody used a gift code.",
    EventType.CONSENT_IMPORTED: "A list says who agreed to messages.",
    EventType.POINTS_ADJUSTED: "The team gave or took points.",
    EventType.ADJUSTMENT_APPROVED: "A second person agreed to an adjustment.",
    EventType.ACTIVITY_REPORTED: "A member did something that is no purchase.",
    EventType.CHAT_RECEIVED: "Somebody wrote to us in a chat.",
    EventType.REFERRAL_ATTACHED: "Somebody signed up by a member's link.",
    EventType.MEMBER_MERGED: "Two accounts turned out to be one person's.",
    EventType.MEMBER_UNMERGED: "Two accounts are two people's after all.",
    EventType.MEMBER_ERASED: "A person asks to be forgotten.",
    EventType.MESSAGE_DELIVERED: "A message reached its person.",
    EventType.MESSAGE_BOUNCED: "A message did not reach its person.",
    EventType.MESSAGE_OPENED: "Somebody opened a message.",
    EventType.MESSAGE_CLICKED: "Somebody followed a link in a message.",
    EventType.MESSAGE_COMPLAINED: "Somebody called a message spam.",
    EventType.MESSAGE_UNSUBSCRIBED: "Somebody wants no more messages.",
    EventType.SMS_RECEIVED: "Somebody sent us a text.",
}


# --- genuine or not --------------------------------------------------------------------------


def verify(request: InboundRequest, account: WebhookAccount) -> None:
    """Raises BadSignature unless the secret signed id, time and body within five minutes."""
    stamp = request.headers.get("webhook-timestamp", "")
    message_id = request.headers.get("webhook-id", "")
    if not (message_id and stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        raise BadSignature("the webhook-id or webhook-timestamp header is missing or unreadable")
    expected = _signature(account, message_id, stamp, request.body).encode()
    given = request.headers.get("webhook-signature", "").split()[:MAX_SIGNATURES]
    if not given:
        raise BadSignature("the webhook-signature header is missing")
    matches = [hmac.compare_digest(one.encode("utf-8", "replace"), expected) for one in given]
    if not any(matches):
        raise BadSignature(
            "the webhook-signature header does not match: wrong secret, or the body was changed "
            "on its way"
        )
    require_fresh(datetime.fromtimestamp(int(stamp), UTC), request.received_at, TOLERANCE)


def sign(request: InboundRequest, account: WebhookAccount) -> Mapping[str, str]:
    """The headers of a genuine request."""
    message_id = "msg_" + hashlib.sha256(request.body).hexdigest()[:24]
    stamp = str(int(request.received_at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": _signature(account, message_id, stamp, request.body),
    }


def _signature(account: WebhookAccount, message_id: str, stamp: str, body: bytes) -> str:
    (secret,) = signing_secrets(account.secret)
    try:
        key = key_of(secret)
    except ValueError:
        key = b""
    if not key:
        raise BadSignature("this connection's secret is not a key: set it in its credentials")
    content = f"{message_id}.{stamp}.".encode("utf-8", "replace") + body
    return "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()


# --- content ---------------------------------------------------------------------------------


class _Body(Frozen):
    """What the shop sends. `timestamp` is another name for `time`, as the specification has it."""

    type: EventType
    key: Key
    time: AwareDatetime | None = None
    timestamp: AwareDatetime | None = None
    subject: Key | None = None
    customer: dict[str, Any] | None = None
    data: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_one_time(self) -> Self:
        if (self.time is None) == (self.timestamp is None):
            raise ValueError("the field `time` is missing (or given twice, as `timestamp`)")
        return self


def decode_for(body: bytes, account: WebhookAccount) -> Any:
    """The body in the hub's words; Unmapped where the connection's mapping has no use for it."""
    payload = decode_json(body)
    return mapped(_entries(account.mapping), payload) if account.mapping else payload


@lru_cache(maxsize=64)
def _entries(mapping: str) -> tuple[Entry, ...]:
    try:
        return parse_mapping(mapping)
    except ValueError as error:
        raise Unreadable(f"this connection's mapping cannot be read: {error}") from None


def topic(request: InboundRequest, payload: Any) -> str:
    """The field `type`; a typing mistake is refused, since nobody else would notice it."""
    if isinstance(payload, Unmapped):
        return ""
    found = require_object(payload).get("type")
    if not isinstance(found, str):
        raise Unreadable("the field `type` is missing")
    if found in CONCLUDED:
        raise Unreadable(f"the field `type`: the hub finds out {found} itself")
    if found not in TRIGGERS:
        raise Unreadable(f"the field `type`: {found[:60]!r} is not one of {', '.join(TRIGGERS)}")
    return found


def delivery_id(request: InboundRequest, payload: Any) -> str | None:
    """The webhook-id."""
    return request.headers.get("webhook-id")


def parse(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """The event as it stands in the body; Unreadable names the field that is wrong."""
    body = _validated(_Body, require_object(payload), "")
    model = DATA_MODELS[body.type]
    data = _validated(model, _data(body, model), "data.")
    given = None if body.subject is None else f"{source.store}:{body.subject}"
    try:
        event = Event(
            type=body.type,
            store=source.store,
            key=body.key,
            time=body.time or body.timestamp,
            subject=given or _subject(data, body.key, source),
            data=data,
        )
    except ValidationError as error:
        raise _unreadable(error, "") from None
    return [event]


def _data(body: _Body, model: type[BaseModel]) -> dict[str, Any]:
    """The data, with the customer where it belongs."""
    if body.customer is None:
        return body.data
    if model is Customer:
        return {**body.customer, **body.data}
    if "customer" not in model.model_fields or "customer" in body.data:
        raise Unreadable(f"the field `customer` has no place in {body.type.value}")
    return {**body.data, "customer": body.customer}


def _subject(data: Any, key: str, source: Source) -> str:
    named = (getattr(data, name, None) for name in ("order_id", "hold_id", "adjustment_id", "id"))
    fallback = next((one for one in named if one), key)
    if isinstance(data, MemberMerge):
        return subject_of(source.store, data.target, fallback)
    if isinstance(data, Customer):
        return subject_of(source.store, data, fallback)
    if isinstance(data, (MessageReport, InboundMessage)):
        address = data.address if isinstance(data, MessageReport) else data.sender
        return subject_of(source.store, Customer(email=address), fallback)
    return subject_of(source.store, getattr(data, "customer", None), fallback)


def _validated(model: type[BaseModel], value: dict[str, Any], prefix: str) -> Any:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise _unreadable(error, prefix) from None


def _unreadable(error: ValidationError, prefix: str) -> Unreadable:
    """The first few complaints, each with its field; never the value itself."""
    said = []
    for one in error.errors(include_url=False, include_input=False, include_context=False)[:5]:
        field = prefix + ".".join(str(part) for part in one["loc"])
        said.append(f"the field `{field.rstrip('.')}`: {one['msg']}" if field else one["msg"])
    return Unreadable("; ".join(said)[:500])


TRIGGERS = {
    kind.value: Trigger(kind.value, (kind,), title, parse, f"{kind.value}.json")
    for kind, title in TITLES.items()
}

WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    decode_for=decode_for,
    topic=topic,
    triggers=TRIGGERS,
    sign=sign,
    delivery_id=delivery_id,
    signing_field="secret",
)
