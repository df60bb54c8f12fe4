"""Calls to addresses of people's own, signed in the Standard Webhooks way.

Specification: https://github.com/standard-webhooks/standard-webhooks. The connection's secret
signs the id, the time of the attempt and the body; receivers know a repeat by the id.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import SecretStr
from standardwebhooks import Webhook

from connectors.kit.errors import InvalidRequest
from connectors.kit.fields import key_of

if TYPE_CHECKING:
    from connectors.kit.http import HttpReply

_SAFE_ID = re.compile(r"[\x21-\x7e]{1,256}")
_PAGE = re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE)


class Signer:
    """Signs calls with one secret.

    Args:
        clock: Unix seconds; the time that is signed is that of the attempt.
    """

    def __init__(self, secret: SecretStr, clock: Callable[[], float]) -> None:
        self._webhook = Webhook(key_of(secret))
        self._clock = clock

    def headers(self, message_id: str, content: bytes) -> Mapping[str, str]:
        """The three headers of a call that is made now."""
        now = int(self._clock())
        when = datetime.fromtimestamp(now, UTC)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(now),
            "webhook-signature": self._webhook.sign(message_id, when, content.decode()),
        }


def webhook_id(key: str) -> str:
    """The key itself, or a digest of it where it cannot stand in a header."""
    if _SAFE_ID.fullmatch(key):
        return key
    return "msg_" + hashlib.sha256(key.encode()).hexdigest()


def content_of(document: Any, what: str) -> bytes:
    """The document as JSON, its Decimals as text.

    Raises:
        InvalidRequest: Something in it is not JSON; `what` says where it came from.
    """
    try:
        return orjson.dumps(document, default=_plain)
    except TypeError as error:
        raise InvalidRequest(f"{what} cannot be written as JSON: {error}") from None


def is_page(reply: HttpReply) -> bool:
    """Whether somebody else answered: a login or maintenance page is no receipt."""
    return _PAGE.match(reply.body[:200]) is not None


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"a {type(value).__name__} is not JSON")
