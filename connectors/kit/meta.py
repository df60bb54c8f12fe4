"""Webhooks of Meta's platforms: one app's secret signs them, one request sets them up.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started. An app speaks for Pages
in Messenger and for numbers at WhatsApp; what happens there, each connector reads for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    Reply,
    hmac_hex,
    require_match,
    require_secret,
    signing_secrets,
)

SIGNATURE = "X-Hub-Signature-256"
_STOP_WORDS = frozenset({"stop", "stopall", "unsubscribe", "opt out", "stop promotions"})
"""Narrower than for SMS: a button that says "Cancel" may be about anything."""


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what the app's secret did not sign."""
    secrets = signing_secrets(account.app_secret)
    expected = [f"sha256={hmac_hex(secret, request.body)}" for secret in secrets]
    require_match(request.headers.get(SIGNATURE.lower()), expected, SIGNATURE)


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The header by which Meta proves a webhook."""
    return {SIGNATURE.lower(): f"sha256={hmac_hex(account.app_secret, request.body)}"}


def handshake(request: InboundRequest, account: Any) -> Reply | None:
    """Returns Meta its challenge where it knows the verify token.

    Raises:
        BadSignature: It does not, or asks for something else.
    """
    if request.method != "GET" or "hub.mode" not in request.query:
        return None
    require_secret(request.query.get("hub.verify_token"), account.verify_token, "the verify token")
    challenge = request.query.get("hub.challenge", "")
    is_plain = challenge.isascii() and challenge.replace("-", "").replace("_", "").isalnum()
    if request.query["hub.mode"] != "subscribe" or not is_plain or len(challenge) > 200:
        raise BadSignature("this is no request to subscribe")
    return Reply(200, challenge.encode())


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; none where it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def asks_to_stop(text: str) -> bool:
    """Whether a person's whole message says that they want no more."""
    return text.lower().strip(".! ") in _STOP_WORDS
