"""Calls an endpoint in the Standard Webhooks way.

Specification: https://github.com/standard-webhooks/standard-webhooks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import httpx

from connectors.kit.action import Job, Sent
from connectors.kit.addresses import PublicResolver, refuse_private_literal
from connectors.kit.errors import Conflict, ConnectorBug, ConnectorError, InvalidRequest, NotFound
from connectors.kit.http import HttpClient
from connectors.kit.standard_webhooks import Signer, content_of, is_page, webhook_id
from connectors.webhook.account import WebhookAccount

TIMEOUT_SECONDS = 10.0
CONNECTIONS = 32


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
        self._signer = Signer(account.secret, clock)
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
            await self._http.send("HEAD", url, headers=self._signer.headers("check", b""))
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
        document = {"type": made.type, "timestamp": made.timestamp, "data": made.data}
        content = content_of(document, "the field `data`")
        message_id = webhook_id(job.key)
        reply = await self._http.send(
            "POST",
            self._account.url,
            content=content,
            headers=self._signer.headers(message_id, content),
        )
        if is_page(reply):
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
