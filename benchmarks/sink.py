"""A cheap receiver of HTTP calls: `python -m benchmarks.sink PORT`.

Answers every POST with 200 and notes when it came and for which event. `GET /seen` gives the
notes, `POST /forget` drops them. Bare asyncio, so that the sink costs as little as can be.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import Any

import uvloop

_EVENT = re.compile(rb'"id":\s?"(\d+)"')
_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}"

seen: list[tuple[float, str, str]] = []


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = _length(head)
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        path = head.split(b" ", 2)[1].decode()
        if path == "/seen":
            text = json.dumps(seen).encode()
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(text) + text
            )
            return
        if path == "/forget":
            seen.clear()
        else:
            match = _EVENT.search(body)
            seen.append((time.time(), path, match.group(1).decode() if match else ""))
        self._transport.write(_OK)


def _length(head: bytes) -> int:
    match = re.search(rb"content-length: ?(\d+)", head, re.IGNORECASE)
    return int(match.group(1)) if match else 0


async def serve(port: int) -> None:
    """Serves until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
