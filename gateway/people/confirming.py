"""Double opt-in: the press that confirms an address. Opening the link confirms nothing."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from gateway.people.door import Closed, house_of, looked, sent, text_of
from gateway.people.pages import page
from gateway.people.shown import shown_address
from gateway.people.whom import keep
from loyalty import consent_events
from loyalty.consent_links import request_behind
from loyalty.links import LinkInvalid
from loyalty.store import opt_ins, recipients

router = APIRouter()


@router.get("/c/{token}")
async def ask(request: Request, token: str) -> HTMLResponse:
    """The button, while the link is good."""
    return _page(request, await _asked(request, token), is_done=False)


@router.post("/c/{token}")
async def confirm(request: Request, token: str) -> HTMLResponse:
    """Confirms the address; the event is committed before the answer goes."""
    asked = await _asked(request, token)
    if text_of(await sent(request, token), "confirm") != "yes":
        raise Closed("form")
    now = house_of(request).clock()
    await keep(request, [consent_events.confirmed(asked.id, at=now)], now=now)
    return _page(request, asked, is_done=True)


async def _asked(request: Request, token: str) -> opt_ins.Request:
    house = house_of(request)
    try:
        id = request_behind(house.links, token)
    except LinkInvalid:
        raise Closed("altered") from None
    looked(request, token)
    async with house.database.begin() as connection:
        found = await recipients.request_of(connection, id)
    if found is None or ("@" not in found.address and not found.address.startswith("+")):
        raise Closed("gone")
    if found.confirmed_at is not None:
        raise Closed("used")
    if house.clock() >= found.expires_at:
        raise Closed("expired")
    return found


def _page(request: Request, asked: opt_ins.Request, *, is_done: bool) -> HTMLResponse:
    return page(
        request, "people/confirm.html", is_done=is_done, address=shown_address(asked.address)
    )
