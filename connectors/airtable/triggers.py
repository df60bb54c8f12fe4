"""Airtable's notifications: doorbells, signed ones.

https://airtable.com/developers/web/api/webhooks-overview: the ping names the base and the webhook
and nothing of what changed; that is read from the webhook's payloads. The key of the signature
is the decoded secret that Airtable made with the webhook.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    Reply,
    Trigger,
    Webhook,
    decode_json,
    no_events,
    require_match,
    signing_secrets,
)

SIGNATURE = "X-Airtable-Content-MAC"
RECORDS = "records"


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what the webhook's secret did not sign."""
    (secret,) = signing_secrets(account.mac_secret)
    expected = [_mac(secret, request.body)]
    require_match(request.headers.get(SIGNATURE.lower()), expected, SIGNATURE)


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The header by which Airtable proves a ping."""
    (secret,) = signing_secrets(account.mac_secret)
    return {SIGNATURE.lower(): _mac(secret, request.body)}


def _mac(secret: SecretStr, body: bytes) -> str:
    try:
        key = base64.b64decode(secret.get_secret_value(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise BadSignature("the webhook's secret is not the base64 text that Airtable told")
    return f"hmac-sha256={hmac.digest(key, body, 'sha256').hex()}"


def topic(request: InboundRequest, payload: Any) -> str:
    """A ping names a base and a webhook; whatever else comes is ignored."""
    return RECORDS if _id(payload, "base") and _id(payload, "webhook") else ""


def _delivery(request: InboundRequest, payload: Any) -> str | None:
    webhook = _id(payload, "webhook")
    return f"{webhook}:{str(payload.get('timestamp', ''))[:40]}" if webhook else None


def _id(payload: Any, name: str) -> str:
    inner = payload.get(name) if isinstance(payload, dict) else None
    found = inner.get("id") if isinstance(inner, dict) else None
    return found[:60] if isinstance(found, str) else ""


WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    topic=topic,
    triggers={
        RECORDS: Trigger(
            RECORDS, (), "Records of the base changed.", no_events, "records.json", rings=True
        )
    },
    sign=sign,
    delivery_id=_delivery,
    signing_field="mac_secret",
    acknowledge=Reply(200, b""),
)
