"""Binding a chat to a membership, by the button of an invitation that was sent there.

Only the link itself binds, once and while it is good, and only the press of whoever is signed in:
a sign-in by another page binds nothing, nor does opening the link.
"""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from gateway.outcomes import outcome_of
from gateway.people.door import Closed, Why, house_of, opened, sent, text_of
from gateway.people.pages import page
from gateway.people.signing import customer_of, portal_for, session_of
from gateway.people.whom import keep
from loyalty.chats import ChatInvitation, link_refusal
from loyalty.events import ChatBound, Event, EventType
from loyalty.links import LinkKind
from loyalty.programme import Programme
from loyalty.store import chats, rulebook
from loyalty.store.member_sessions import Session

WHY: dict[str, Why] = {"link_invalid": "gone", "link_used": "used", "link_expired": "expired"}

router = APIRouter()


@router.get("/b/{token}")
async def ask(request: Request, token: str) -> HTMLResponse:
    """The button, while the link is good: to sign in, or to bind."""
    _, programme = await _invited(request, token)
    return await _page(request, token, programme)


@router.post("/b/{token}")
async def bind(request: Request, token: str) -> HTMLResponse:
    """Binds the chat to the account of whoever is signed in."""
    invitation, programme = await _invited(request, token)
    if text_of(await sent(request, token), "bind") != "yes":
        raise Closed("form")
    session = await session_of(request)
    if session is None:
        return await _page(request, token, programme)
    event = _bound(request, invitation, session)
    await keep(request, [event], now=event.time)
    ended = await outcome_of(house_of(request).database, event.business_key)
    if ended is not None and ended.is_refused:
        raise Closed(WHY.get(ended.code, "gone"))
    return page(
        request,
        "people/bound.html",
        is_done=ended is not None and ended.is_done,
        name=programme.name,
    )


async def _invited(request: Request, token: str) -> tuple[ChatInvitation, Programme]:
    """The invitation behind a link that is still good.

    Raises:
        Closed: It is altered, used or over.
    """
    house, content = house_of(request), opened(request, LinkKind.BIND, token)
    try:
        number = UUID(str(content.get("i", "")))
    except ValueError:
        raise Closed("altered") from None
    async with house.database.begin() as connection:
        found = await chats.invitations(connection, [number])
        programme = await rulebook.programme(connection)
    invitation = found.get(number)
    code = link_refusal(invitation, now=house.clock())
    if code or invitation is None:
        raise Closed(WHY[code])
    return invitation, programme


def _bound(request: Request, invitation: ChatInvitation, session: Session) -> Event:
    member = str(session.member_id) if session.member_id else None
    who = customer_of(session)
    store = session.identity[0] or "hub"
    return Event(
        type=EventType.CHAT_BOUND,
        store=store,
        key=f"{invitation.id}:{session.id}",
        time=house_of(request).clock(),
        subject=f"member:{member}" if member else f"contact:{session.email}",
        data=ChatBound(
            invitation_id=str(invitation.id), member_id=member, customer=None if member else who
        ),
    )


async def _page(request: Request, token: str, programme: Programme) -> HTMLResponse:
    session = await session_of(request)
    is_signed_in = session is not None and session.member_id is not None
    entrance = "" if is_signed_in else _entrance(programme, f"/b/{token}")
    return page(
        request,
        "people/bind.html",
        locale=session.locale if session else "",
        is_signed_in=is_signed_in,
        entrance=entrance,
        name=programme.name,
    )


def _entrance(programme: Programme, here: str) -> str:
    return programme.chat.page or portal_for(programme, here)
