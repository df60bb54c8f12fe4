"""The way to the Prefect API that outlasts a server that is away.

Prefect's client gives up after five pauses that double, the last of half a minute: a run that
ends while the server restarts would stay open for long, or be told of as crashed. Here a
request is made again every half second, so that runs are closed as soon as the server is back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx
from prefect.context import AsyncClientContext

PAUSE_SECONDS = 0.5
AWAY_SECONDS = 600.0
"""How long a server may not be there at all."""

FAILING_SECONDS = 30.0
"""How long it may answer that it fails, as it does while its database is away."""

_NOBODY_THERE = (
    httpx.ConnectError,
    httpx.ReadError,
    httpx.WriteError,
    httpx.RemoteProtocolError,
)
_FAILING = (500, 502, 503)


class PatientTransport(httpx.AsyncBaseTransport):
    """Makes a request again while the server is away.

    Args:
        is_over: Asked before each pause; once it says True, nobody waits any longer.
    """

    def __init__(self, is_over: Callable[[], bool]) -> None:
        limits = httpx.Limits(max_connections=16, max_keepalive_connections=8, keepalive_expiry=25)
        self._inner = httpx.AsyncHTTPTransport(limits=limits)
        self._is_over = is_over

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer; an error or a failure only after all patience."""
        started = time.monotonic()
        while True:
            try:
                answer = await self._inner.handle_async_request(request)
            except _NOBODY_THERE:
                if self._is_enough(started, AWAY_SECONDS):
                    raise
            else:
                if answer.status_code not in _FAILING or self._is_enough(started, FAILING_SECONDS):
                    return answer
                await answer.aclose()
            await asyncio.sleep(PAUSE_SECONDS)

    def _is_enough(self, started: float, seconds: float) -> bool:
        return self._is_over() or time.monotonic() - started > seconds

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._inner.aclose()


def patient_client(is_over: Callable[[], bool]) -> AsyncClientContext:
    """A context in which everything of Prefect goes through a patient client."""
    context = AsyncClientContext(httpx_settings={"transport": PatientTransport(is_over)})
    # `get_client()` takes the client of the context only where nobody asked for settings.
    context._httpx_settings = None
    return context
