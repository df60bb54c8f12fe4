"""uvicorn's HTTP protocol with the two bounds it lacks: how long and how large a head may be.

Without them a sender can hold a connection for ever by sending its headers a byte at a time,
and fill the memory with headers that never end. Bodies are bounded by `gateway.reading`.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
HEAD_BYTES = 64 * 1024


class BoundedHttp(HttpToolsProtocol):
    """Closes connections whose request head is too slow or too large."""

    head_seconds: ClassVar[float] = HEAD_SECONDS

    _is_head_open = True
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        if self._is_head_open:
            self._head_bytes += len(data)
        super().data_received(data)
        if not self._is_head_open or self.transport.is_closing():
            return
        if self._head_bytes > HEAD_BYTES:
            self.send_400_response("The request's headers are too large.")
        elif self._head_timer is None:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_head_open = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        self._is_head_open = False
        self._stop_waiting()
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()


def protocol_class() -> type[asyncio.Protocol]:
    """The class in the form that uvicorn's configuration takes."""
    return cast(type[asyncio.Protocol], cast(Any, BoundedHttp))
