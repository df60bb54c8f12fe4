"""Segment's HTTP Tracking API.

https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/. Segment answers
200 to nearly everything and drops what it does not like later, so what can be checked (a name,
an identity, the size) is checked here, before the call.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from connectors.kit.errors import ConnectorBug, InvalidRequest
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.segment.account import SegmentAccount

Message = Mapping[str, Any]


class SegmentClient:
    """Writes to one source.

    Attributes:
        account: Says, among others, what a userId is.
    """

    def __init__(self, account: SegmentAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.account = account
        pair = f"{account.write_key.get_secret_value()}:"
        self._http = HttpClient(
            account.base_url,
            headers={"Authorization": f"Basic {b64encode(pair.encode()).decode('ascii')}"},
            timeout=timeout,
        )

    async def write(self, kind: str, message: Message) -> None:
        """Hands one message over to `/v1/track`, `/v1/identify` or `/v1/group`."""
        await self._send(f"/v1/{kind}", message)

    async def batch(self, messages: Sequence[Message]) -> None:
        """Hands over as many as fit into one call; each says its own `type`."""
        await self._send("/v1/batch", {"batch": list(messages)})

    async def check(self) -> str:
        """Sends a batch with nothing in it; AuthError where the write key is refused."""
        await self.batch(())
        host = urlsplit(self.account.base_url).hostname
        return f"Segment answers at {host}; its Debugger shows whether messages arrive."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()

    async def _send(self, path: str, body: Message) -> None:
        reply = (await self._http.send("POST", path, json=body)).json()
        accepted = reply.get("success") if isinstance(reply, dict) else None
        if accepted is False:
            raise InvalidRequest("Segment refuses it without saying why: look into its Debugger")
        if accepted is not True:
            raise ConnectorBug("Segment's answer does not say whether it took the message")
