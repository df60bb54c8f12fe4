"""Who is signed in on a page for people, and where somebody who is not goes first."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from fastapi import Request

from gateway.widget.sessions import Sessions
from loyalty.events import Customer
from loyalty.programme import Programme
from loyalty.store.member_sessions import Session


async def session_of(request: Request) -> Session | None:
    """The session of the browser; somebody who has yet to join has one too."""
    sessions: Sessions = request.app.state.member_sessions
    return await sessions.current(request)


def portal_for(programme: Programme, page: str, *, store: str = "") -> str:
    """The portal that leads back to a page once somebody is signed in; empty where there is none.

    Args:
        page: `/b/{token}`.
        store: Whose site comes first, where several shops have one.
    """
    first = [one for one in programme.sites if store and one.connection == store]
    site = next(iter([*first, *programme.sites]), None)
    return f"/portal/{quote(site.id)}?{urlencode({'carries': page})}" if site else ""


def customer_of(session: Session) -> Customer:
    """Who is signed in, as an event names them."""
    store, kind, value = session.identity
    return Customer(
        id=value if kind == "customer" and store else None,
        email=session.email or None,
        first_name=session.first_name,
        locale=session.locale,
    )
