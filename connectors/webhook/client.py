"""Calls an endpoint in the Standard Webhooks way.

Specification: https://github.com/standard-webhooks/standard-webhooks.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import orjson
from standardwebhooks import Webhook

from connectors.kit.action import Job, Sent
from connectors.kit.addresses import PublicResolver, refuse_private_literal
from connectors.kit.errors import Conflict, ConnectorBug, ConnectorError, InvalidRequest, NotFound
from connectors.kit.http import HttpClient
from connectors.webhook.account import WebhookAccount, key_of

TIMEOUT_SECONDS = 10.0
CONNECTIONS = 32
_PAGE = re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE)
"""A login or maintenance page; what else an endpoint says in its answer is its own affair."""
_SAFE_ID = re.compile(r"[\x21-\x7e]{1,256}")


class WebhookClient:
    """One endpoint. Redirects are not followed; private networks are not entered.

    Args:
        clock: Unix seconds; the time that is signed is that of the attempt.
    """

    def __init__(
        self,
        account: WebhookAccount,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._account = account
        self._clock = clock
        self._signer = Webhook(key_of(account.secret))
        headers = {"Content-Type": "application/json", "User-Agent": "loyalty-hub"}
        if account.header_value is not None:
            headers[account.header_name] = account.header_value.get_secret_value()
        self._http = HttpClient(
            "",
            headers=headers,
            timeout=httpx.Timeout(timeout_seconds, connect=min(5.0, timeout_seconds)),
            connections=CONNECTIONS,
            resolver=None if account.allow_private_network else PublicResolver(),
            explain=_explain,
        )

    async def check(self) -> str:
        """Asks for the address with a signed HEAD, which changes nothing there."""
        url = self._account.url
        if not url:
            return "This connection only receives; it has no address to call."
        self._require_allowed()
        try:
            await self._http.send("HEAD", url, headers=self._signed("check", b""))
        except (InvalidRequest, NotFound, Conflict) as error:
            if error.status is None or error.vendor_code:
                raise
            return (
                f"The endpoint is there; it answers {error.status} to HEAD, which is usual for "
                "addresses that only take POST."
            )
        return "The endpoint is there and answers."

    async def call(self, job: Job) -> Sent:
        """Makes one signed call; the job's key is the webhook-id, by which receivers dedupe."""
        self._require_allowed()
        made = job.input
        try:
            content = orjson.dumps(
                {"type": made.type, "timestamp": made.timestamp, "data": made.data},
                default=_plain,
            )
        except TypeError as error:
            raise InvalidRequest(f"the field `data` cannot be written as JSON: {error}") from None
        message_id = webhook_id(job.key)
        reply = await self._http.send(
            "POST", self._account.url, content=content, headers=self._signed(message_id, content)
        )
        if _PAGE.match(reply.body[:200]):
            raise ConnectorBug(
                f"the endpoint answers {reply.status} with a page for people, not with a receipt: "
                "is the address right, and does it need no login?"
            )
        return Sent(vendor_id=message_id)

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()

    def _require_allowed(self) -> None:
        if not self._account.url:
            raise InvalidRequest("this connection has no address: enter its url to call it")
        if not self._account.allow_private_network:
            refuse_private_literal(self._account.url)

    def _signed(self, message_id: str, content: bytes) -> dict[str, str]:
        now = int(self._clock())
        when = datetime.fromtimestamp(now, UTC)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(now),
            "webhook-signature": self._signer.sign(message_id, when, content.decode()),
        }


def webhook_id(key: str) -> str:
    """The job's key itself, or a digest of it where it cannot stand in a header."""
    if _SAFE_ID.fullmatch(key):
        return key
    return "msg_" + hashlib.sha256(key.encode()).hexdigest()


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"a {type(value).__name__} is not JSON")


def _explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    """What only a custom endpoint means by a status."""
    if status == 410:
        return InvalidRequest(
            "the endpoint answers 410 Gone: it asks to be called no more. Switch this "
            "connection off, or enter its new address",
            status=status,
            vendor_code="gone",
        )
    if 300 <= status < 400:
        return InvalidRequest(
            f"the endpoint has moved ({status}); redirects are not followed, since they could "
            "lead anywhere: enter the new address",
            status=status,
            vendor_code="moved",
        )
    return None
