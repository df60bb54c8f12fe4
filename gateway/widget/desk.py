"""What the widget's addresses work with, and how their requests are let in and answered."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from pydantic import ValidationError

from gateway.answers import SECURITY_HEADERS, Refused
from gateway.console.house import House
from gateway.receiving import in_words
from gateway.widget.board import Board, Boards
from gateway.widget.sessions import Sessions
from gateway.widget.wording import Wording
from gateway.work import Crowded, Unstorable
from loyalty.sites import Site
from loyalty.store.database import StoreAway
from loyalty.store.member_sessions import Session

MOST_BODY = 8 * 1024
MARK = "x-hub-widget"
"""A header that other sites' pages cannot send without being allowed to, which none is."""


@dataclass(frozen=True)
class Desk:
    """The parts of the gateway that the widget needs."""

    house: House

    @cached_property
    def boards(self) -> Boards:
        """The programme as it was a moment ago."""
        return Boards(self.house.database)

    @cached_property
    def sessions(self) -> Sessions:
        """Who is signed in."""
        house = self.house
        return Sessions(house.database, clock=house.clock, base_url=house.settings.base_url)

    def now(self) -> datetime:
        """The hub's clock."""
        return self.house.clock()


@dataclass(frozen=True, slots=True)
class Visit:
    """One request about a site.

    Attributes:
        session: Who is signed in on this site; None for nobody.
    """

    desk: Desk
    request: Request
    board: Board
    site: Site
    wording: Wording
    session: Session | None
    now: datetime

    @property
    def member_id(self) -> UUID | None:
        """The member who is signed in; None where nobody is, or who is has not joined."""
        return self.session.member_id if self.session else None

    def member(self) -> UUID:
        """The member who is signed in; Refused (401) where there is none."""
        if self.member_id is None:
            raise Refused(
                401, "signed_out", self.wording.say("please_sign_in"), "Sign in and try again."
            )
        return self.member_id

    async def document(self) -> dict[str, Any]:
        """The body as a JSON object; Refused where it is none, or too large."""
        body = b""
        async for piece in self.request.stream():
            body += piece
            if len(body) > MOST_BODY:
                raise Refused(413, "too_large", "the body is too large", "Send less.")
        try:
            found = orjson.loads(body or b"{}")
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise Refused(400, "unreadable", "the body is not a JSON object", "Send a JSON object.")
        return found


def desk_of(request: Request) -> Desk:
    """The desk of the application that serves the request."""
    found: Desk = request.app.state.widget
    return found


async def let_in(site: str, request: Request) -> Visit:
    """Lets a request about a site in.

    A session is worth something on its own site only: signed in with one shop, a person is not
    signed in with another.
    """
    desk = desk_of(request)
    if request.method not in ("GET", "HEAD"):
        check_is_own(request)
    board = await desk.boards.latest()
    found = board.site(site)
    session = await desk.sessions.current(request)
    if session is not None and session.site != found.id:
        session = None
    asked = request.query_params.get("lang", "")[:35]
    wording = Wording(found, found.language(asked or _accepted(request)))
    return Visit(desk, request, board, found, wording, session, desk.now())


Visiting = Annotated[Visit, Depends(let_in)]
"""What an address about a site takes."""


def check_is_own(request: Request) -> None:
    """Refuses what another site's page sends with our cookie (cross-site request forgery)."""
    came_from = request.headers.get("sec-fetch-site", "same-origin")
    if request.headers.get(MARK) != "1" or came_from not in ("same-origin", "none"):
        raise Refused(403, "foreign", "this request is not the widget's own", "Use the widget.")


def _accepted(request: Request) -> str:
    """The language that the browser likes best."""
    first = request.headers.get("accept-language", "")[:200].split(",")[0]
    return first.partition(";")[0].strip()


def told(visit: Visit, content: Any) -> Response:
    """A JSON answer with a fingerprint: asked again with it, the answer is 304 and empty."""
    body = orjson.dumps(content)
    tag = f'"{sha256(body).hexdigest()[:20]}"'
    headers = {
        **SECURITY_HEADERS,
        "cache-control": "private, no-cache",
        "etag": tag,
        "vary": "authorization, cookie, accept-language",
    }
    if visit.request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def done(content: Any, status: int = 200) -> Response:
    """A JSON answer that nobody keeps."""
    return Response(
        orjson.dumps(content), status, media_type="application/json", headers=SECURITY_HEADERS
    )


Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PlainRoute(APIRoute):
    """An address whose refusals are JSON: what happened, and what to do."""

    def get_route_handler(self) -> Handler:
        """The handler, with refusals answered."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except Refused as refused:
                return _refusal(refused)
            except ValidationError as error:
                return _refusal(Refused(422, "unreadable", in_words(error), "Correct this."))
            except Unstorable as error:
                return _refusal(Refused(422, "unreadable", str(error), "Correct this."))
            except (StoreAway, Crowded):
                return _refusal(
                    Refused(
                        503,
                        "away",
                        "the hub cannot answer at the moment",
                        "Try again in a moment.",
                        headers=(("retry-after", "2"),),
                    )
                )

        return handled


def _refusal(refused: Refused) -> Response:
    answer = refused.answer
    headers = {**SECURITY_HEADERS, **dict(answer.headers)}
    return Response(answer.content, answer.status, media_type=answer.content_type, headers=headers)
