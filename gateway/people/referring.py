"""Coming by a member's link. Opening it is nothing; signing up through it is a recommendation."""

from __future__ import annotations

import hmac
from hashlib import sha256

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from gateway.outcomes import outcome_of
from gateway.people.door import Closed, house_of, opened, sent, text_of
from gateway.people.pages import page
from gateway.people.signing import customer_of, portal_for, session_of
from gateway.people.whom import keep
from loyalty.events import Event, EventType
from loyalty.links import LinkKind
from loyalty.programme import Programme
from loyalty.referrals import Person
from loyalty.store import people, referrals, rulebook
from loyalty.store.member_sessions import Session

router = APIRouter()


@router.get("/r/{token}")
async def ask(request: Request, token: str) -> HTMLResponse:
    """Who recommends the programme, and the button to join."""
    owner, programme = await _recommended(request, token)
    return await _page(request, token, owner, programme)


@router.post("/r/{token}")
async def join(request: Request, token: str) -> HTMLResponse:
    """Makes whoever is signed in a member who came by this link."""
    owner, programme = await _recommended(request, token)
    if text_of(await sent(request, token), "join") != "yes":
        raise Closed("form")
    session = await session_of(request)
    if session is None or session.member_id is not None:
        return await _page(request, token, owner, programme)
    event = _joined(request, session, code=opened(request, LinkKind.REFER, token)["c"])
    await keep(request, [event], now=event.time)
    ended = await outcome_of(house_of(request).database, event.business_key)
    if ended is not None and ended.is_refused:
        raise Closed("gone")
    return page(
        request,
        "people/referred.html",
        state="joined",
        name=programme.name,
        entrance=portal_for(programme, ""),
        by="",
    )


async def _recommended(request: Request, token: str) -> tuple[Person, Programme]:
    """Who recommends.

    Raises:
        Closed: The link is altered, or there is no such member or programme any more.
    """
    code = str(opened(request, LinkKind.REFER, token).get("c", ""))
    async with house_of(request).database.begin() as connection:
        programme = await rulebook.programme(connection)
        owners = await referrals.owners(connection, [code])
    if programme.referral is None or code not in owners:
        raise Closed("gone")
    return owners[code], programme


def _joined(request: Request, session: Session, *, code: str) -> Event:
    """The same event as signing up in the portal, so that both together count once."""
    client = request.client.host if request.client else ""
    key = house_of(request).vault.derived("network addresses")
    network = hmac.new(key, client.encode(), sha256).hexdigest()[:32]
    who = customer_of(session).model_copy(
        update={"referred_by": code, "traits": {"ip": network} if client else {}}
    )
    store = session.identity[0] or f"widget/{session.site}"
    return Event(
        type=EventType.CUSTOMER_CREATED,
        store=store,
        key=f"join:{session.id}",
        time=house_of(request).clock(),
        subject=f"contact:{session.email}" if session.email else f"{store}:join:{session.id}",
        data=who,
    )


async def _page(request: Request, token: str, owner: Person, programme: Programme) -> HTMLResponse:
    session = await session_of(request)
    state = "asks"
    if session is not None:
        state = "member" if session.member_id is not None else "signed_in"
    async with house_of(request).database.begin() as connection:
        by = await people.first_name_of(connection, owner.id)
    return page(
        request,
        "people/referred.html",
        locale=session.locale if session else "",
        state=state,
        name=programme.name,
        by=by,
        entrance=portal_for(programme, f"/r/{token}"),
    )
