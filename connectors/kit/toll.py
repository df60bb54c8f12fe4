"""What a call costs before it leaves: whoever walks a poll pays the connection's budget by call.

Deliveries take their slots ahead, many at once; a poll does not know how many calls a page
takes, so each of them pays at the door. Without a toll nothing is paid.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Toll = Callable[[], Awaitable[None]]
"""Waits for a slot; RateLimited where that would take too long."""

_toll: ContextVar[Toll | None] = ContextVar("toll", default=None)


@contextmanager
def paying(toll: Toll) -> Iterator[None]:
    """Every call made in this task meanwhile pays the toll first."""
    token = _toll.set(toll)
    try:
        yield
    finally:
        _toll.reset(token)


async def pay() -> None:
    """Called by the kit before each call to a vendor."""
    toll = _toll.get()
    if toll is not None:
        await toll()
