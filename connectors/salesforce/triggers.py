"""Marketing Cloud's Event Notification Service: what became of e-mails, signed, many at once.

https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/ens-notification-signing.html:
base64 of an HMAC-SHA256 over the body, under the callback's own signature key. One request
holds up to a thousand events of any kind, so there is one trigger for all of them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from connectors.kit.payload import Contact, Maybe, OptionalId, Text, VendorModel, read
from connectors.kit.webhook import (
    InboundRequest,
    Reply,
    Source,
    Trigger,
    Unreadable,
    Webhook,
    decode_json,
    hmac_base64,
    require_match,
    signing_secrets,
)
from loyalty.events import Channel, Customer, Event, EventType, MessageReport, subject_of

logger = logging.getLogger(__name__)

SIGNATURE = "X-Sfmc-Ens-Signature"
NOTIFICATIONS = "notifications"
KINDS = {
    "TransactionalSendEvents.EmailSent": EventType.MESSAGE_DELIVERED,
    "TransactionalSendEvents.EmailNotSent": EventType.MESSAGE_BOUNCED,
    "TransactionalSendEvents.EmailBounced": EventType.MESSAGE_BOUNCED,
    "EngagementEvents.EmailClick": EventType.MESSAGE_CLICKED,
    "EngagementEvents.EmailUnsubscribe": EventType.MESSAGE_UNSUBSCRIBED,
}
MAX_EVENTS = 1_000
_CODE = re.compile(r"[A-Za-z0-9-]{8,100}")
_LATEST = 7_258_118_400
"""The year 2200 in seconds; anything later is written in milliseconds."""


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what the callback's key did not sign."""
    secrets = signing_secrets(account.signature_key)
    expected = [hmac_base64(secret, request.body) for secret in secrets]
    require_match(request.headers.get(SIGNATURE.lower()), expected, SIGNATURE)


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The header by which Marketing Cloud proves a notification."""
    return {SIGNATURE.lower(): hmac_base64(account.signature_key, request.body)}


def handshake(request: InboundRequest, account: Any) -> Reply | None:
    """Answers the probe of a new callback, and logs the key that a person has to enter.

    The probe comes before there is a signature key, so nothing proves it. It does nothing
    here: the key in it is good once, for this callback, and only together with the package's
    own token.
    """
    if SIGNATURE.lower() in request.headers or len(request.body) > 1_000:
        return None
    try:
        payload = decode_json(request.body)
    except Unreadable:
        return None
    if not isinstance(payload, dict) or set(payload) != {"callbackId", "verificationKey"}:
        return None
    callback, key = payload["callbackId"], payload["verificationKey"]
    if not all(isinstance(one, str) and _CODE.fullmatch(one) for one in (callback, key)):
        return None
    logger.warning(
        "Marketing Cloud asks to verify the callback %s: enter %s as the connection's "
        "verification_key, and let the hub subscribe again",
        callback,
        key,
    )
    return Reply(200, b"")


def _epoch(value: Any) -> Any:
    """Milliseconds since 1970, or seconds where somebody wrote those."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("a time is a number of milliseconds")
    seconds = value if value < _LATEST else value / 1000
    if not 0 < seconds < _LATEST:
        raise ValueError("the time is out of range")
    return datetime.fromtimestamp(float(seconds), UTC)


class Info(VendorModel):
    """What the event itself tells; which names a bounce has differs between the pages."""

    to: Contact = None
    messageKey: OptionalId = None  # noqa: N815 - the vendor's spelling
    subscriberKey: OptionalId = None  # noqa: N815
    contactKey: OptionalId = None  # noqa: N815
    bounceType: Text = ""  # noqa: N815
    bounceCategory: Text = ""  # noqa: N815
    category: Text = ""
    reason: Text = ""
    statusMessage: Text = ""  # noqa: N815


class Composite(VendorModel):
    jobId: OptionalId = None  # noqa: N815
    batchId: OptionalId = None  # noqa: N815
    listId: OptionalId = None  # noqa: N815
    subscriberId: OptionalId = None  # noqa: N815


class Notification(VendorModel):
    eventCategoryType: Annotated[str, Field(max_length=100)]  # noqa: N815
    timestampUTC: Annotated[datetime, BeforeValidator(_epoch)]  # noqa: N815
    compositeId: OptionalId = None  # noqa: N815
    composite: Maybe[Composite] = None
    info: Maybe[Info] = None


def topic_of(request: InboundRequest, payload: Any) -> str:
    """A list of events, or one alone."""
    first = payload[0] if isinstance(payload, list) and payload else payload
    is_one = isinstance(first, dict) and "eventCategoryType" in first
    return NOTIFICATIONS if is_one else ""


def parse(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """Every event of a notification; kinds that mean nothing here are left out."""
    items = payload if isinstance(payload, list) else [payload]
    if len(items) > MAX_EVENTS:
        raise Unreadable(f"a notification holds {MAX_EVENTS} events at most")
    found = [read(Notification, one) for one in items if _concerns_us(one)]
    events = [event for one in found for event in _event(one, source)]
    return list({event.business_key: event for event in events}.values())


def _concerns_us(one: Any) -> bool:
    if not isinstance(one, dict) or not isinstance(one.get("eventCategoryType"), str):
        raise Unreadable("an event of the notification does not say what it is")
    return one["eventCategoryType"] in KINDS


def _event(found: Notification, source: Source) -> Sequence[Event]:
    info = found.info or Info()
    person = info.subscriberKey or info.contactKey
    address = info.to or (person if person and "@" in person else None)
    if not address:
        return []
    who = Customer(id=person, email=address)
    message = info.messageKey or found.compositeId or _send_of(found.composite) or address
    kind = found.eventCategoryType.rpartition(".")[2]
    bounce = (info.bounceType or info.bounceCategory or info.category).lower()
    data = MessageReport(
        channel=Channel.EMAIL,
        address=address,
        vendor_message_id=message,
        detail=info.reason or info.statusMessage or bounce or kind,
        permanent=kind == "EmailUnsubscribe" or (kind == "EmailBounced" and "hard" in bounce),
    )
    return [
        Event(
            type=KINDS[found.eventCategoryType],
            store=source.store,
            key=f"{kind}:{message[:120]}:{int(found.timestampUTC.timestamp() * 1000)}",
            time=found.timestampUTC,
            subject=subject_of(source.store, who, person or address),
            data=data,
        )
    ]


def _send_of(composite: Composite | None) -> str:
    """The send and the person in it, where there is no message key."""
    if composite is None:
        return ""
    parts = (composite.jobId, composite.batchId, composite.listId, composite.subscriberId)
    return ".".join(part for part in parts if part)


WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    topic=topic_of,
    triggers={
        NOTIFICATIONS: Trigger(
            vendor_event=NOTIFICATIONS,
            event_types=tuple(dict.fromkeys(KINDS.values())),
            title="Something became of e-mails.",
            parse=parse,
            sample="notifications.json",
        )
    },
    sign=sign,
    handshake=handshake,
    signing_field="signature_key",
    acknowledge=Reply(200, b""),
)
