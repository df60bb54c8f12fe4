"""Signing in with the shared key or a one-time ticket, and signing out."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from gateway.console.forms import FormRefused, read_form
from gateway.console.house import House
from gateway.console.rendering import PAGE_HEADERS, page
from gateway.console.visit import (
    COOKIE,
    FLASH_COOKIE,
    SIGN_IN,
    Turned,
    Visit,
    check_origin,
    cookies,
    session_of,
)
from loyalty.store import audit, console_sessions
from loyalty.store.console_sessions import LASTS, Session

router = APIRouter()

FORM_LIMIT = 16 * 1024
"""Bytes of what somebody sends who is not signed in yet."""

SLOW_SECONDS = 0.4
"""How long everybody waits for the answer to a wrong key."""


@router.get(SIGN_IN)
async def form(request: Request, back: str = "", ticket: str = "") -> Response:
    """The form; nothing happens by opening it, so that a ticket survives a scanner."""
    house: House = request.app.state.house
    if not ticket and await session_of(request, house) is not None:
        return RedirectResponse(_inside(back), status_code=303, headers=PAGE_HEADERS)
    return _form(back=back, ticket=ticket[:500])


@router.post(SIGN_IN)
async def sign_in(request: Request) -> Response:
    """Opens a session for whoever shows the key or a ticket."""
    house: House = request.app.state.house
    check_origin(request)
    try:
        given = await read_form(request, fields_limit=FORM_LIMIT, upload_limit=FORM_LIMIT)
    except FormRefused as error:
        raise Turned(400, "The form was not taken", str(error)) from None
    who, back, ticket = (_text(given, name) for name in ("who", "back", "ticket"))
    who = " ".join(who.split())[:80]
    if not who or not who.isprintable():
        problem = "Give your name: it stands beside what you change."
        return _form(back=back, ticket=ticket, problem=problem, status=422)
    session, problem = await _admit(house, request, given, who)
    if session is None:
        await asyncio.sleep(SLOW_SECONDS)
        return _form(back=back, ticket="", who=who, problem=problem, status=403)
    answer = RedirectResponse(_inside(back), status_code=303, headers=PAGE_HEADERS)
    answer.set_cookie(
        COOKIE,
        str(cookies(house.console_key).dumps(str(session.id))),
        max_age=int(LASTS.total_seconds()),
        path="/console",
        httponly=True,
        samesite="lax",
        secure=house.is_https,
    )
    return answer


async def _admit(
    house: House, request: Request, given: FormData, who: str
) -> tuple[Session | None, str]:
    """The session, or why there is none."""
    now = house.clock()
    ticket = _text(given, "ticket")
    address = request.client.host if request.client else "unknown"
    async with house.database.begin() as connection:
        if ticket:
            known = house.console_key.read_ticket(ticket, now=now)
            if known is None:
                return None, TICKET_OVER
            session = await console_sessions.open_session(connection, who, now=now, ticket=known.id)
            problem = TICKET_OVER
        else:
            until = await console_sessions.locked_until(connection, address, now=now)
            if until is not None:
                seconds = int((until - now).total_seconds()) + 1
                return None, f"Too many wrong keys came from here. Try again in {seconds} seconds."
            if not house.console_key.is_key(_text(given, "key")):
                await console_sessions.note_wrong_key(connection, address, now=now)
                return None, WRONG_KEY
            session, problem = await console_sessions.open_session(connection, who, now=now), ""
            await console_sessions.forget_wrong_keys(connection, address)
        if session is not None:
            way = "a ticket" if ticket else "the key"
            await audit.note(
                connection,
                actor=f"console:{who}",
                action="console.signed_in",
                subject=str(session.id),
                now=now,
                detail={"with": way, "from": address},
            )
    return session, problem


WRONG_KEY = (
    "This is not the console key. It is in the file console.key of the hub's home; "
    "`hub console` prints an address that opens the console once."
)
TICKET_OVER = "This address was used or is over. `hub console` prints a new one."


@router.post("/console/sign-out")
async def sign_out(visit: Visit) -> RedirectResponse:
    """Ends the session for good, not only its cookie."""
    async with visit.house.database.begin() as connection:
        await console_sessions.end_session(connection, visit.session.id, now=visit.now)
    answer = RedirectResponse(SIGN_IN, status_code=303, headers=PAGE_HEADERS)
    for name in (COOKIE, FLASH_COOKIE):
        answer.delete_cookie(name, path="/console")
    return answer


def lead_to_sign_in(back: str) -> RedirectResponse:
    """Where a person goes who is not signed in."""
    address = SIGN_IN if back == "/console" else f"{SIGN_IN}?{urlencode({'back': back})}"
    return RedirectResponse(address, status_code=303, headers=PAGE_HEADERS)


def _form(
    *, back: str, ticket: str, who: str = "", problem: str = "", status: int = 200
) -> HTMLResponse:
    values = {"back": back[:500], "ticket": ticket, "who": who, "problem": problem}
    return page("console/sign_in.html", values, status=status)


def _inside(back: str) -> str:
    """A page of the console and nowhere else: the address comes from outside."""
    is_ours = back.startswith("/console") and back[8:9] in ("", "/", "?") and "\\" not in back
    return back if is_ours and back.isprintable() and back.isascii() else "/console"


def _text(form: FormData, name: str) -> str:
    found = form.get(name, "")
    return found.strip()[:500] if isinstance(found, str) else ""
