"""HubSpot's webhooks, which ring.

https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation.
Signed (v3) are method, whole address, body and time: the address is the configured public one.
The older signatures (v1, v2) say nothing of the time and are not taken.

A delivery is a list of ids with what changed, without an address or a name, so it only rings:
the poll asks for the contacts. A form that was submitted shows as a change of
`recent_conversion_date`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    Trigger,
    Webhook,
    decode_json,
    hmac_base64,
    no_events,
    require_fresh,
    require_match,
    signing_secrets,
)

SIGNATURE = "X-HubSpot-Signature-v3"
TIMESTAMP = "X-HubSpot-Request-Timestamp"
TOLERANCE = timedelta(minutes=5)
MAX_DIGITS = 14


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what the app's secret did not sign for this very address within five minutes."""
    (secret,) = signing_secrets(account.client_secret)
    stamp = request.headers.get(TIMESTAMP.lower(), "")
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= MAX_DIGITS):
        raise BadSignature(f"the {TIMESTAMP} header is missing or no time in milliseconds")
    given = request.headers.get(SIGNATURE.lower())
    require_match(given, [hmac_base64(secret, _signed(request, stamp))], SIGNATURE)
    sent = datetime.fromtimestamp(int(stamp) / 1000, UTC)
    require_fresh(sent, request.received_at, TOLERANCE)


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The headers by which HubSpot proves a webhook."""
    stamp = str(int(request.received_at.timestamp() * 1000))
    signature = hmac_base64(account.client_secret, _signed(request, stamp))
    return {TIMESTAMP.lower(): stamp, SIGNATURE.lower(): signature}


def _signed(request: InboundRequest, stamp: str) -> bytes:
    asked = f"{request.method}{request.url}".encode("utf-8", "surrogateescape")
    return asked + request.body + stamp.encode()


def topic_of(request: InboundRequest, payload: Any) -> str:
    """The first kind of change in a delivery that is listened to; empty where there is none."""
    for one in payload if isinstance(payload, list) else ():
        topic = one.get("subscriptionType") if isinstance(one, dict) else None
        if isinstance(topic, str) and topic in WEBHOOK.triggers:
            return topic
    return ""


def _delivery_id(request: InboundRequest, payload: Any) -> str | None:
    first = payload[0] if isinstance(payload, list) and payload else None
    event = first.get("eventId") if isinstance(first, dict) else None
    return str(event)[:60] if event is not None else None


def _bell(topic: str, title: str, sample: str) -> Trigger:
    return Trigger(topic, (), title, no_events, sample, rings=True)


_ALL = (
    _bell("contact.creation", "A contact was created.", "contact_creation.json"),
    _bell(
        "contact.propertyChange",
        "A contact's property changed, or a form was submitted.",
        "contact_property_change.json",
    ),
)

WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    topic=topic_of,
    triggers={one.vendor_event: one for one in _ALL},
    sign=sign,
    delivery_id=_delivery_id,
    signing_field="client_secret",
)
