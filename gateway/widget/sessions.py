"""Who is signed in: a token in a cookie of the hub, or shown by the widget's page itself.

A portal is a page of the hub's own and has the cookie. Inside a shop's page most browsers give
the frame either a cookie jar of its own (CHIPS, https://developer.mozilla.org/docs/Web/Privacy/
Guides/Third-party_cookies/Partitioned_cookies) or none, so there the token is kept by the page
as well, for as long as the tab lives. See docs/decisions/023-widget.md.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from loyalty.store import member_sessions
from loyalty.store.database import Database
from loyalty.store.ids import new_id
from loyalty.store.member_sessions import Session
from loyalty.store.people import Identity

COOKIE = "hub_member"
ASKED_COOKIE = "hub_asked"
MOST_TOKEN = 100
LOOPBACK = ("localhost", "127.0.0.1")
BY_LINK = timedelta(days=30)
BY_SHOP = timedelta(hours=12)
"""A shop vouches again with every page: there is no need to remember it for longer."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of whom it was proved who they are.

    Attributes:
        identity: By what they are known: an address, or a shop's customer id.
        email: An address that is proved to be theirs; empty where none is.
    """

    identity: Identity
    email: str = ""
    first_name: str = ""
    locale: str = ""
    carries: str = ""


class Sessions:
    """Begins, finds and ends the sessions of members.

    Args:
        base_url: The hub's public address: cookies for frames need https. Browsers take their
            own machine's addresses for as good.
    """

    def __init__(self, database: Database, *, clock: Callable[[], datetime], base_url: str) -> None:
        self._database = database
        self._clock = clock
        address = urlsplit(base_url)
        self._prefix = "__Host-" if address.scheme == "https" else ""
        self._is_safe = address.scheme == "https" or address.hostname in LOOPBACK

    async def begin(self, person: Person, site: str, *, lasts: timedelta) -> str:
        """Signs a person in.

        Returns:
            The token, to be given to `keep` or to the page.
        """
        now = self._clock()
        token = secrets.token_urlsafe(32)
        session = Session(
            id=new_id(now),
            site=site,
            identity=person.identity,
            expires_at=now + lasts,
            email=person.email,
            first_name=person.first_name,
            locale=person.locale,
            carries=person.carries,
        )
        async with self._database.begin() as connection:
            await member_sessions.begin(connection, session, digest(token), now=now)
        return token

    async def current(self, request: Request) -> Session | None:
        """The session that a request belongs to; None where nobody is signed in."""
        token = self._token(request)
        if not token or len(token) > MOST_TOKEN:
            return None
        async with self._database.begin() as connection:
            return await member_sessions.find(connection, digest(token), now=self._clock())

    async def end(self, session: Session) -> None:
        """Signs out everywhere the token is kept."""
        async with self._database.begin() as connection:
            await member_sessions.end(connection, session.id)

    def keep(self, response: Response, token: str, *, lasts: timedelta) -> None:
        """Lets the browser keep the token, for the hub's own pages and for this shop's frame."""
        self._set(response, COOKIE, token, lasts)

    def forget(self, response: Response) -> None:
        """Makes the browser forget the token."""
        self._set(response, COOKIE, "", timedelta())

    def know_again(self, request: Request, response: Response, *, lasts: timedelta) -> str:
        """Marks the browser that asks for a link, so that it is known when it comes back.

        Returns:
            The mark; a browser that has one keeps it, for links that it asked for before.
        """
        mark = self.mark_of(request) or secrets.token_urlsafe(24)
        self._set(response, ASKED_COOKIE, mark, lasts)
        return mark

    def mark_of(self, request: Request) -> str:
        """The mark of a browser that asked for a link before; empty where there is none."""
        mark = request.cookies.get(self._prefix + ASKED_COOKIE, "")
        return mark if len(mark) <= MOST_TOKEN else ""

    def _set(self, response: Response, name: str, value: str, lasts: timedelta) -> None:
        # Starlette writes `Partitioned` on Python 3.14 only.
        where = "SameSite=None; Secure; Partitioned" if self._is_safe else "SameSite=Lax"
        seconds = int(lasts.total_seconds())
        told = f"{self._prefix}{name}={value}; Path=/; HttpOnly; Max-Age={seconds}; {where}"
        response.headers.append("set-cookie", told)

    def _token(self, request: Request) -> str:
        said = request.headers.get("authorization", "")
        if said.lower().startswith("bearer "):
            return said[7:].strip()
        return request.cookies.get(self._prefix + COOKIE, "")


async def signed_in(request: Request) -> str | None:
    """The id of the member who is signed in; None where nobody is, or who is has not joined.

    For every page of the gateway: campaigns, chat and referrals ask it.
    """
    sessions: Sessions = request.app.state.member_sessions
    session = await sessions.current(request)
    return str(session.member_id) if session and session.member_id else None


def digest(token: str) -> bytes:
    """What of a token is kept."""
    return sha256(token.encode()).digest()
