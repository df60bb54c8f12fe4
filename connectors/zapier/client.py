"""Delivers events to the addresses that Zaps have subscribed.

REST hooks: https://docs.zapier.com/platform/build/hook-trigger. Zapier itself checks no
signature; it is for subscribers of your own, and follows
https://github.com/standard-webhooks/standard-webhooks.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlsplit

import httpx
import orjson
from standardwebhooks import Webhook

from connectors.kit.action import Job, Sent
from connectors.kit.addresses import PublicResolver
from connectors.kit.errors import ConnectorBug, ConnectorError, InvalidRequest
from connectors.kit.http import HttpClient, HttpReply
from connectors.zapier.account import ZapierAccount, signing_key
from connectors.zapier.targets import is_zapiers, require_target

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
CONNECTIONS = 32
GONE = "gone"
"""The vendor_code of a refusal that ends a subscription."""

_PAGE = re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE)
_SAFE_ID = re.compile(r"[\x21-\x7e]{1,256}")


class ZapierClient:
    """Speaks to Zapier's hook addresses and, guarded, to those of other subscribers.

    Args:
        clock: Unix seconds; the time that is signed is that of the attempt.
    """

    def __init__(
        self,
        account: ZapierAccount,
        *,
        timeout: httpx.Timeout = TIMEOUT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._account = account
        self._clock = clock
        self._signer = Webhook(signing_key(account.signing_secret))
        headers = {"Content-Type": "application/json", "User-Agent": "loyalty-hub"}
        self._zapier = HttpClient(
            account.base_url,
            headers=headers,
            timeout=timeout,
            connections=CONNECTIONS,
            explain=_explain,
        )
        self._others = HttpClient(
            "",
            headers=headers,
            timeout=timeout,
            connections=CONNECTIONS,
            resolver=None if account.allow_private_network else PublicResolver(),
            explain=_explain_other,
        )
        self._hub = HttpClient(account.hub_url, timeout=timeout) if account.hub_url else None

    async def check(self) -> str:
        """Tries the key at the hub's own address, as Zapier's connection test does."""
        if self._hub is None:
            return (
                "The key and the signing secret are well-formed; enter hub_url to have the key "
                "tried as Zapier does."
            )
        key = self._account.api_key.get_secret_value()
        reply = await self._hub.send(
            "GET", "/zapier/me", headers={"Authorization": f"Bearer {key}"}
        )
        found = reply.json()
        name = found.get("connection") if isinstance(found, dict) else None
        if not name:
            raise ConnectorBug("the address in hub_url answers, but it is not the hub's gateway")
        return f"The hub knows this key as that of {name}."

    async def deliver(self, job: Job) -> Sent:
        """Sends one event to one subscriber; the event's id is the webhook-id.

        Raises:
            InvalidRequest: The address may not be called; with the vendor_code `gone` where
                the subscriber answers 410 and wants to hear no more.
        """
        made = job.input
        target: str = made.target_url
        require_target(target, allow_private=self._account.allow_private_network)
        try:
            content = orjson.dumps(made.event, default=_plain)
        except TypeError as error:
            raise InvalidRequest(f"the event cannot be written as JSON: {error}") from None
        message_id = webhook_id(str(made.event.get("id") or job.key))
        reply = await self._post(target, content, self._signed(message_id, content))
        if _PAGE.match(reply.body[:200]):
            raise ConnectorBug(
                f"the subscriber answers {reply.status} with a page for people, not with a "
                "receipt: switch the Zap off and on again, so that it subscribes anew"
            )
        return Sent(vendor_id=message_id)

    async def aclose(self) -> None:
        """Closes the sockets."""
        for http in (self._zapier, self._others, self._hub):
            if http is not None:
                await http.aclose()

    async def _post(self, target: str, content: bytes, headers: Mapping[str, str]) -> HttpReply:
        if not is_zapiers(target):
            return await self._others.send("POST", target, content=content, headers=headers)
        parts = urlsplit(target)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return await self._zapier.send("POST", path, content=content, headers=headers)

    def _signed(self, message_id: str, content: bytes) -> dict[str, str]:
        now = int(self._clock())
        when = datetime.fromtimestamp(now, UTC)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(now),
            "webhook-signature": self._signer.sign(message_id, when, content.decode()),
        }


def webhook_id(event_id: str) -> str:
    """The event's id itself, or a digest of it where it cannot stand in a header."""
    if _SAFE_ID.fullmatch(event_id):
        return event_id
    return "msg_" + hashlib.sha256(event_id.encode()).hexdigest()


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"a {type(value).__name__} is not JSON")


def _explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    """What a subscriber means by a status."""
    if status == 410:
        return InvalidRequest(
            "the subscriber answers 410 Gone: its Zap was switched off or deleted, and the "
            "subscription ends",
            status=status,
            vendor_code=GONE,
        )
    if 300 <= status < 400:
        return InvalidRequest(
            f"the subscriber has moved ({status}); redirects are not followed, since they could "
            "lead anywhere: subscribe anew",
            status=status,
            vendor_code="moved",
        )
    return None


def _explain_other(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    """A stranger's 401 says nothing of Zapier, and must not pause the deliveries to it."""
    if status in (401, 403):
        return InvalidRequest(
            f"the subscriber refuses the event ({status}): it has to take events that are "
            "signed with the connection's signing_secret",
            status=status,
        )
    return _explain(status, headers, body, writes)
