"""Puts the pages for people into the gateway. A new one adds its router here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response

from gateway.people import (
    binding,
    confirming,
    joining,
    preferences,
    referring,
    tracking,
    unsubscribing,
)
from gateway.people.door import Closed, refused
from loyalty.store.database import StoreAway

ROUTERS: tuple[APIRouter, ...] = (
    unsubscribing.router,
    preferences.router,
    confirming.router,
    joining.router,
    binding.router,
    referring.router,
    tracking.router,
)

Away = Callable[[Request, Exception], Awaitable[Response]]


def add_people(app: FastAPI) -> None:
    """Adds every page that is opened by a link from a message."""
    for router in ROUTERS:
        app.include_router(router, include_in_schema=False)
    app.add_exception_handler(Closed, _closed)
    others = app.exception_handlers[StoreAway]

    async def away(request: Request, error: Exception) -> Response:
        if request.url.path.startswith("/console"):
            answer: Response = await others(request, error)  # type: ignore[misc]
            return answer
        return refused(request, "away")

    app.add_exception_handler(StoreAway, away)


async def _closed(request: Request, error: Exception) -> Response:
    assert isinstance(error, Closed)
    return refused(request, error.why)
