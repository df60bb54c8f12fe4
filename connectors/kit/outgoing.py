"""Sandboxes that also send: the vendor's signed webhooks, over real HTTP."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar
from uuid import uuid4

import httpx
import orjson

from connectors.kit.sandbox import VendorSandbox
from connectors.kit.webhook import InboundRequest, Webhook


class SendingSandbox(VendorSandbox):
    """A stand-in that delivers its vendor's webhooks as the vendor would.

    Attributes:
        webhook: The connector's own declaration: it signs with it.
    """

    webhook: ClassVar[Webhook]

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        """The vendor's own headers, in lower case, the signature left out."""
        raise NotImplementedError

    def body_for(self, topic: str, payload: dict[str, Any], delivery_id: str) -> dict[str, Any]:
        """The body as sent; vendors that name topic and delivery in it override this."""
        return payload

    def prepare(
        self,
        hook_url: str,
        topic: str,
        payload: dict[str, Any],
        *,
        account: Any,
        delivery_id: str | None = None,
    ) -> InboundRequest:
        """The signed request, ready to be sent or to be given to the connector directly.

        Args:
            hook_url: The hub's public address of this connection.
            account: With the secrets that the hub verifies with.
            delivery_id: A new one by default.
        """
        delivery = delivery_id or str(uuid4())
        body = orjson.dumps(self.body_for(topic, payload, delivery))
        headers = {
            "content-type": "application/json",
            **self.headers_for(topic, delivery, account),
        }
        unsigned = InboundRequest("POST", hook_url, headers, body, datetime.now(UTC))
        return replace(unsigned, headers={**headers, **self.webhook.sign(unsigned, account)})

    async def deliver(
        self,
        hook_url: str,
        topic: str,
        payload: dict[str, Any],
        *,
        account: Any,
        delivery_id: str | None = None,
    ) -> int:
        """Sends one webhook and returns the status of the answer.

        Raises:
            httpx.HTTPError: Nobody answers at the address.
        """
        request = self.prepare(hook_url, topic, payload, account=account, delivery_id=delivery_id)
        async with httpx.AsyncClient(timeout=10.0, verify=_trust()) as client:
            answer = await client.post(
                hook_url, content=request.body, headers=dict(request.headers)
            )
        self.record("webhook", topic=topic, url=hook_url, status=answer.status_code)
        return answer.status_code


@cache
def _trust() -> ssl.SSLContext:
    """The trusted authorities, read once: reading them takes longer than a delivery."""
    return ssl.create_default_context()
