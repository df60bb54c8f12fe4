"""Joining by the link of an invitation. Opening it joins nobody; the button does.

Whoever is signed in claims it for their account. Whoever is not goes to sign up or sign in first,
at the shop's own page or at the portal, and comes back with the link. Where an installation has
neither, the button itself enrols the customer who was invited, at the address that the link was
sent to: having the link proves that address as well as a link to sign in would.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from gateway import outcomes
from gateway.console.points import shown_points
from gateway.people.door import Closed, Why, house_of, sent, text_of
from gateway.people.pages import PAGE_HEADERS, page
from gateway.people.signing import customer_of, portal_for, session_of
from gateway.people.whom import keep
from loyalty.campaigns import InvitationState, claim_event
from loyalty.events import Customer, Event
from loyalty.invitation_links import invitation_in
from loyalty.links import LinkInvalid
from loyalty.programme import Programme
from loyalty.store import invitations, rulebook
from loyalty.store.invitations import Offer
from loyalty.store.member_sessions import Session

DOUBLE_PRESS = timedelta(minutes=1)

REFUSALS: dict[str, Why] = {
    "already_claimed": "used",
    "already_joined": "used",
    "expired": "expired",
    "member_before": "other",
}

router = APIRouter()


@router.get("/j/{token}")
async def ask(request: Request, token: str) -> HTMLResponse:
    """Who invites, what joining is worth, and the button."""
    offer, programme = await _offered(request, token)
    session = await session_of(request)
    if offer.claimed_by is not None:
        if session is not None and session.member_id == offer.claimed_by:
            return _page(request, offer, programme, state="joined")
        raise Closed("used")
    return _page(request, offer, programme, state="asks")


@router.post("/j/{token}")
async def join(request: Request, token: str) -> Response:
    """Claims the invitation, or leads to where the person can sign up first."""
    offer, programme = await _offered(request, token)
    if text_of(await sent(request, token), "join") != "yes":
        raise Closed("form")
    session = await session_of(request)
    now = house_of(request).clock()
    if offer.claimed_by is not None and not _is_double_press(offer, now):
        raise Closed("used")
    elsewhere = "" if session else _entrance(offer, programme, token)
    if elsewhere.startswith("/"):
        return RedirectResponse(elsewhere, status_code=303, headers=PAGE_HEADERS)
    if elsewhere:
        # Browsers hold a form's redirects to the page's own host, so another one is a link.
        return _page(request, offer, programme, state="elsewhere", elsewhere=elsewhere)
    event = _claim(offer, session, now)
    await keep(request, [event], now=now)
    ended = await outcomes.outcome_of(house_of(request).database, event.business_key)
    if ended is not None and ended.state == "refused":
        raise Closed(REFUSALS.get(ended.code, "gone"))
    is_joined = ended is not None and ended.is_done
    return _page(request, offer, programme, state="joined" if is_joined else "joining")


async def _offered(request: Request, token: str) -> tuple[Offer, Programme]:
    """What the link offers.

    Raises:
        Closed: It is altered, over, used up, or there is nothing behind it.
    """
    house = house_of(request)
    try:
        invitation_id = invitation_in(house.links, token)
    except LinkInvalid:
        raise Closed("altered") from None
    async with house.database.begin() as connection:
        found = await invitations.offer(connection, invitation_id)
        programme = await rulebook.programme(connection)
    if found is None or found.invitation.invited_at is None:
        raise Closed("gone")
    if found.invitation.state is InvitationState.JOINED:
        if found.claimed_by is None:
            raise Closed("used")
        return found, programme
    expires_at = found.invitation.expires_at
    if expires_at is not None and house.clock() >= expires_at:
        raise Closed("expired")
    return found, programme


def _is_double_press(offer: Offer, now: datetime) -> bool:
    """Whether it was claimed just now: the claim is the same again, and so is its answer."""
    joined_at = offer.invitation.joined_at
    return joined_at is not None and now - joined_at < DOUBLE_PRESS


def _entrance(offer: Offer, programme: Programme, token: str) -> str:
    """Where somebody who is not signed in goes first; empty where there is no such page."""
    if offer.plan.join_url:
        joint = "&" if urlsplit(offer.plan.join_url).query else "?"
        return f"{offer.plan.join_url}{joint}{urlencode({'invitation': token})}"
    return portal_for(programme, f"/j/{token}", store=offer.invitation.store)


def _claim(offer: Offer, session: Session | None, now: datetime) -> Event:
    invitation = offer.invitation
    if session is not None and session.member_id is not None:
        return claim_event(invitation.id, at=now, member_id=session.member_id)
    if session is not None:
        store = session.identity[0] or "hub"
        return claim_event(invitation.id, at=now, customer=customer_of(session), store=store)
    customer = offer.customer
    who = Customer(
        id=customer.customer_id,
        email=customer.email,
        phone=customer.phone,
        first_name=customer.first_name,
        last_name=customer.last_name,
        locale=customer.locale,
        zone=customer.zone,
        country=customer.country,
    )
    return claim_event(invitation.id, at=now, customer=who, store=customer.store)


def _page(
    request: Request, offer: Offer, programme: Programme, *, state: str, elsewhere: str = ""
) -> HTMLResponse:
    return page(
        request,
        "people/join.html",
        locale=offer.customer.locale or offer.plan.locale,
        state=state,
        elsewhere=elsewhere,
        name=offer.customer.first_name,
        shop=offer.plan.shop_name or programme.name,
        programme=programme.name,
        points=shown_points(offer.invitation.amount or 0, programme.unit_scale),
    )
