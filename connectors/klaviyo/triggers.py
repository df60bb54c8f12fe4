"""Klaviyo's system webhooks, which ring.

https://developers.klaviyo.com/en/docs/working_with_system_webhooks. A delivery holds several
events, each with a profile's id and seldom an address, so it only rings: the poll asks for the
events with the people they are about. Accounts without system webhooks are polled all the same.

Signed is the body followed by the `Klaviyo-Timestamp` header, in hex. That header was seen five
hours ahead of the body's own `meta.timestamp`, so freshness goes by the body.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from connectors.kit.payload import Instant, VendorModel, read
from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    Trigger,
    Unreadable,
    Webhook,
    decode_json,
    hmac_hex,
    no_events,
    require_fresh,
    require_match,
    signing_secrets,
)

SIGNATURE = "Klaviyo-Signature"
TIMESTAMP = "Klaviyo-Timestamp"
PREFIX = "event:klaviyo."


class _Meta(VendorModel):
    timestamp: Instant


class _Delivery(VendorModel):
    meta: _Meta


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what the webhook's secret did not sign, and what is older than allowed."""
    (secret,) = signing_secrets(account.webhook_secret)
    stamp = request.headers.get(TIMESTAMP.lower())
    if not stamp:
        raise BadSignature(f"the {TIMESTAMP} header is missing")
    signed = request.body + stamp.encode("utf-8", "surrogateescape")
    require_match(request.headers.get(SIGNATURE.lower()), [hmac_hex(secret, signed)], SIGNATURE)
    try:
        sent = read(_Delivery, decode_json(request.body)).meta.timestamp
    except Unreadable:
        raise BadSignature("the body does not say when it was sent (meta.timestamp)") from None
    require_fresh(sent, request.received_at, timedelta(minutes=account.webhook_minutes))


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The headers by which Klaviyo proves a webhook."""
    stamp = format_datetime(request.received_at, usegmt=True)
    signature = hmac_hex(account.webhook_secret, request.body + stamp.encode())
    return {TIMESTAMP.lower(): stamp, SIGNATURE.lower(): signature}


def topic_of(request: InboundRequest, payload: Any) -> str:
    """The first topic of a delivery that is listened to; empty where there is none."""
    items = payload.get("data") if isinstance(payload, dict) else None
    for one in items if isinstance(items, list) else ():
        topic = one.get("topic") if isinstance(one, dict) else None
        if isinstance(topic, str) and topic in WEBHOOK.triggers:
            return topic
    return ""


def _bell(name: str, title: str) -> Trigger:
    return Trigger(f"{PREFIX}{name}", (), title, no_events, f"{name}.json", rings=True)


_ALL = (
    _bell("unsubscribed_from_email_marketing", "Somebody unsubscribed from e-mails."),
    _bell("unsubscribed_from_sms_marketing", "Somebody unsubscribed from text messages."),
    _bell("marked_email_as_spam", "Somebody called an e-mail spam."),
    _bell("bounced_email", "An e-mail came back."),
)

WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    topic=topic_of,
    triggers={one.vendor_event: one for one in _ALL},
    sign=sign,
    signing_field="webhook_secret",
)
