"""What a webhook's sender is told: small JSON documents with an outcome that is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.types import Receive, Send

SECURITY_HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}

_COMMON = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]

LINGER_BYTES = 8 * 1024 * 1024
LINGER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        outcome: The word it is counted under in the metrics.
        content_type: As the header says it.
        headers: Extra ones, lower case.
    """

    status: int
    outcome: str
    content: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class Refused(Exception):
    """Ends a request with an answer that says what is wrong and what to do."""

    def __init__(
        self,
        status: int,
        outcome: str,
        error: str,
        hint: str,
        *,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(error)
        self.answer = Answer(
            status, outcome, orjson.dumps({"error": error, "hint": hint}), headers=headers
        )


class HungUp(Exception):
    """The sender went away before its request was complete: there is nobody to answer."""


def later(outcome: str, error: str, hint: str, *, seconds: int) -> Refused:
    """A 503 that asks the sender to come again after so many seconds."""
    return Refused(503, outcome, error, hint, headers=(("retry-after", str(seconds)),))


def accepted(status: int, outcome: str, content: Mapping[str, Any]) -> Answer:
    """A plain JSON answer."""
    return Answer(status, outcome, orjson.dumps(content))


def _start(answer: Answer, *, close: bool) -> dict[str, Any]:
    headers = [
        (b"content-type", answer.content_type.encode("latin-1")),
        (b"content-length", str(len(answer.content)).encode()),
        *_COMMON,
    ]
    headers += [(name.encode(), value.encode("latin-1")) for name, value in answer.headers]
    if close:
        headers.append((b"connection", b"close"))
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


async def send_answer(answer: Answer, send: Send) -> None:
    """Answers a request whose body was read."""
    await send(_start(answer, close=False))
    await send({"type": "http.response.body", "body": answer.content})


async def send_early(answer: Answer, receive: Receive, send: Send) -> None:
    """Answers a request whose body was not read to its end, and then closes the connection.

    Closing while the sender is still writing would reset the connection and the answer with
    it, so what is on its way is dropped for a moment first, within bounds.
    """
    await send(_start(answer, close=True))
    await send({"type": "http.response.body", "body": answer.content, "more_body": True})
    dropped = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(0 if answer.status == 408 else LINGER_SECONDS):
            while dropped < LINGER_BYTES:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body"):
                    break
                dropped += len(message.get("body", b""))
    await send({"type": "http.response.body", "body": b""})
