"""Reads a webhook's body within bounds of size, time and memory, and builds the request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from connectors.kit.webhook import InboundRequest
from gateway.answers import HungUp, Refused, later

BODY_LIMIT = 1024 * 1024
READ_SECONDS = 10.0
ROOM = 64 * 1024 * 1024


class BodyReader:
    """Reads bodies of at most `limit` bytes, each within `seconds`, together within `room`.

    Only bodies that come in several pieces count against the room: a body that is there at
    once is handed on at once.
    """

    def __init__(
        self, *, limit: int = BODY_LIMIT, seconds: float = READ_SECONDS, room: int = ROOM
    ) -> None:
        self._limit = limit
        self._seconds = seconds
        self._room = room
        self._held = 0

    def check_head(self, headers: Mapping[str, str]) -> None:
        """Refuses what the headers alone show to be too large or packed."""
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > self._limit:
            raise self._too_large()
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            raise Refused(
                415,
                "unsupported",
                f"Content-Encoding {encoding[:40]} is not accepted: the signature covers plain "
                "bytes",
                "Send the body uncompressed.",
            )

    async def read(self, receive: Receive) -> bytes:
        """The whole body.

        Raises:
            Refused: It is too large (413), too slow (408), or there is no room (503).
            HungUp: The sender is gone.
        """
        try:
            async with asyncio.timeout(self._seconds):
                body, more = await _piece(receive)
                if more:
                    body = await self._rest(body, receive)
        except TimeoutError:
            raise Refused(
                408,
                "too_slow",
                f"the body did not arrive within {self._seconds:g} seconds",
                "Send the request again.",
            ) from None
        if len(body) > self._limit:
            raise self._too_large()
        return body

    async def _rest(self, first: bytes, receive: Receive) -> bytes:
        body = bytearray(first)
        held = len(first)
        self._held += held
        try:
            more = True
            while more and len(body) <= self._limit:
                if self._held > self._room:
                    raise later(
                        "busy_reading",
                        "too many large requests at once",
                        "Send the request again a little later.",
                        seconds=2,
                    )
                piece, more = await _piece(receive)
                body += piece
                held += len(piece)
                self._held += len(piece)
        finally:
            self._held -= held
        return bytes(body)

    def _too_large(self) -> Refused:
        return Refused(
            413,
            "too_large",
            f"the body is larger than {self._limit} bytes",
            "Send fewer objects in one webhook, or fewer fields of each.",
        )


async def _piece(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] != "http.request":
        raise HungUp
    return message.get("body", b""), message.get("more_body", False)


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers, names in lower case; one that stands twice is joined as RFC 9110 says."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1")
        value = raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def inbound(
    scope: Scope, headers: Mapping[str, str], body: bytes, *, base_url: str, now: datetime
) -> InboundRequest:
    """The request as connectors see it; its address is the configured one, never Host's."""
    query = scope["query_string"].decode("latin-1")
    url = base_url + scope["raw_path"].decode("latin-1")
    return InboundRequest(
        method=scope["method"],
        url=f"{url}?{query}" if query else url,
        headers=headers,
        body=body,
        received_at=now,
        query=dict(parse_qsl(query, keep_blank_values=True, errors="replace")) if query else {},
    )
