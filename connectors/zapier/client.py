"""Delivers events to the addresses that Zaps have subscribed.

REST hooks: https://docs.zapier.com/platform/build/hook-trigger. Zapier itself checks no
signature; it is for subscribers of your own, and follows
https://github.com/standard-webhooks/standard-webhooks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import httpx

from connectors.kit.action import Job, Sent
from connectors.kit.addresses import PublicResolver
from connectors.kit.errors import ConnectorBug, ConnectorError, InvalidRequest
from connectors.kit.http import HttpClient, HttpReply
from connectors.kit.standard_webhooks import Signer, content_of, is_page, webhook_id
from connectors.zapier.account import ZapierAccount
from connectors.zapier.targets import is_zapiers, require_target

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
CONNECTIONS = 32
GONE = "gone"
"""The vendor_code of a refusal that ends a subscription."""


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
        self._signer = Signer(account.signing_secret, clock)
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
        content = content_of(made.event, "the event")
        message_id = webhook_id(str(made.event.get("id") or job.key))
        reply = await self._post(target, content, self._signer.headers(message_id, content))
        if is_page(reply):
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
