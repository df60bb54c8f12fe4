"""What Slack tells the hub: https://docs.slack.dev/apis/events-api.

Signatures: https://docs.slack.dev/authentication/verifying-requests-from-slack. For now no
event of Slack's means anything to a loyalty programme; all are acknowledged and ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.kit.account import Account
from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    Reply,
    Unreadable,
    Webhook,
    decode_json,
    hmac_hex,
    require_fresh,
    require_match,
    require_object,
    signing_secrets,
)
from connectors.slack.account import SlackAccount

SIGNATURE = "X-Slack-Signature"
TIMESTAMP = "X-Slack-Request-Timestamp"
TOLERANCE = timedelta(minutes=5)


def verify(request: InboundRequest, account: SlackAccount) -> None:
    """Raises BadSignature unless the signing secret signed this body within five minutes."""
    (secret,) = signing_secrets(account.signing_secret)
    stamp = request.headers.get(TIMESTAMP.lower(), "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        raise BadSignature(f"the {TIMESTAMP} header is missing or not a number of seconds")
    expected = "v0=" + hmac_hex(secret, f"v0:{stamp}:".encode() + request.body)
    require_match(request.headers.get(SIGNATURE.lower()), [expected], SIGNATURE)
    require_fresh(datetime.fromtimestamp(int(stamp), UTC), request.received_at, TOLERANCE)


def sign(request: InboundRequest, account: SlackAccount) -> Mapping[str, str]:
    """The headers of a genuine request."""
    (secret,) = signing_secrets(account.signing_secret)
    stamp = str(int(request.received_at.timestamp()))
    signature = "v0=" + hmac_hex(secret, f"v0:{stamp}:".encode() + request.body)
    return {TIMESTAMP.lower(): stamp, SIGNATURE.lower(): signature}


def handshake(request: InboundRequest, account: Account) -> Reply | None:
    """Returns Slack its challenge, once the signature has proven that Slack asks.

    Raises:
        BadSignature: It looks like a challenge but is not Slack's.
    """
    if b"url_verification" not in request.body or not isinstance(account, SlackAccount):
        return None
    verify(request, account)
    payload = require_object(decode_json(request.body))
    if payload.get("type") != "url_verification":
        return None
    challenge = payload.get("challenge")
    if not isinstance(challenge, str) or not challenge:
        raise Unreadable("the field challenge is missing or empty")
    return Reply(200, challenge.encode())


def topic(request: InboundRequest, payload: Any) -> str:
    """The type of the inner event, or of the envelope where there is none."""
    envelope = require_object(payload)
    inner = envelope.get("event")
    found = inner.get("type") if isinstance(inner, dict) else envelope.get("type")
    return found if isinstance(found, str) else ""


def delivery_id(request: InboundRequest, payload: Any) -> str | None:
    """Slack's id of the event, the same when it is repeated."""
    found = require_object(payload).get("event_id")
    return found if isinstance(found, str) else None


WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    topic=topic,
    triggers={},
    sign=sign,
    delivery_id=delivery_id,
    handshake=handshake,
    signing_field="signing_secret",
)
