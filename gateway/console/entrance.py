"""Puts the console into the gateway."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from gateway import static_files
from gateway.console import signing_in
from gateway.console.house import House
from gateway.console.rendering import environment, page
from gateway.console.sections import SECTIONS
from gateway.console.visit import SignInNeeded, Turned, Visit
from loyalty.store.database import StoreAway


def add_console(app: FastAPI, house: House) -> None:
    """Adds every page under /console, and the static files that they need."""
    app.state.house = house
    environment().globals["sections"] = lambda: SECTIONS
    app.include_router(static_files.router)
    app.include_router(signing_in.router, include_in_schema=False)
    for section in SECTIONS:
        app.include_router(section.router, include_in_schema=False)
    app.add_api_route(
        "/console/{rest:path}", _nothing_here, methods=["GET"], include_in_schema=False
    )
    app.add_exception_handler(SignInNeeded, _to_sign_in)
    app.add_exception_handler(Turned, _turned)
    app.add_exception_handler(StoreAway, _away)


async def _nothing_here(visit: Visit, rest: str) -> HTMLResponse:
    raise Turned(404, "There is no such page", "The menu has all there are.")


async def _to_sign_in(_: Request, error: Exception) -> RedirectResponse:
    assert isinstance(error, SignInNeeded)
    return signing_in.lead_to_sign_in(error.back)


async def _turned(_: Request, error: Exception) -> HTMLResponse:
    assert isinstance(error, Turned)
    values = {"title": error.title, "advice": error.advice}
    return page("console/turned.html", values, status=error.status)


async def _away(_: Request, __: Exception) -> HTMLResponse:
    values = {
        "title": "The database is away",
        "advice": "Nothing was changed. Try again in a moment; webhooks are refused meanwhile "
        "and come again.",
    }
    return page("console/turned.html", values, status=503)
