"""One request of a person who is signed in: who it is, the form they sent, and the answer.

Every page of the console takes a `Visit` (`async def page(visit: Visit)`). By then the session was
checked, and of a form its token too, so that no page can forget to.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import FormData, UploadFile

from gateway.console.forms import FormRefused, read_form
from gateway.console.house import House
from gateway.console.rendering import PAGE_HEADERS, page
from loyalty.store import audit, console_sessions
from loyalty.store.console_key import ConsoleKey
from loyalty.store.console_sessions import Session

COOKIE = "hub_console"
FLASH_COOKIE = "hub_said"
TOKEN = "csrf"  # noqa: S105 - the name of a field
SIGN_IN = "/console/sign-in"
_SAFE = ("GET", "HEAD")


class SignInNeeded(Exception):
    """Nobody is signed in; the person comes back to the page afterwards."""

    def __init__(self, back: str) -> None:
        super().__init__("nobody is signed in")
        self.back = back


class Turned(Exception):
    """Ends a visit with a page that says what happened and what to do.

    Args:
        status: Of HTTP, such as 404.
        title: What happened, a few words.
        advice: What to do next, a sentence.
    """

    def __init__(self, status: int, title: str, advice: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.advice = advice


class Visitor:
    """A visit of the console.

    Attributes:
        house: Database, vault, links, inbox and clock.
        who: The name that the person gave at sign-in; it goes into the audit log.
        form: The fields sent; empty for a GET.
    """

    def __init__(self, request: Request, house: House, session: Session, form: FormData) -> None:
        self.request = request
        self.house = house
        self.session = session
        self.form = form
        self.now = house.clock()

    @property
    def who(self) -> str:
        """The person's name."""
        return self.session.who

    @property
    def token(self) -> str:
        """What every form has to carry (the macro `csrf` of console/forms.html)."""
        return form_token(self.house.console_key, self.session.id)

    @property
    def is_confirmed(self) -> bool:
        """Whether the person said yes on a page of `ask`."""
        return self.text("confirmed") == "yes"

    def is_in(self, address: str) -> bool:
        """Whether the page is of the section that begins at the address."""
        path = self.request.url.path
        return path == address or (address != "/console" and path.startswith(address + "/"))

    def text(self, name: str, *, longest: int = 1000) -> str:
        """A field's text without blanks around it; empty where it was not sent."""
        found = self.form.get(name, "")
        return found.strip()[:longest] if isinstance(found, str) else ""

    def texts(self, name: str, *, most: int = 500) -> list[str]:
        """All values of a field that can be sent several times (ticked rows)."""
        return [one for one in self.form.getlist(name)[:most] if isinstance(one, str)]

    def upload(self, name: str) -> UploadFile | None:
        """A file that was sent, on disk where it is large; None where none was chosen."""
        found = self.form.get(name)
        return found if isinstance(found, UploadFile) and found.filename else None

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A page in the console's frame; the template extends `console/base.html`."""
        said = _read_flash(self)
        answer = page(template, {"visit": self, "said": said, **values}, status=status)
        if said:
            answer.delete_cookie(FLASH_COOKIE, path="/console")
        return answer

    def ask(
        self,
        title: str,
        text: str,
        *,
        fields: Mapping[str, Any],
        word: str,
        back: str,
        action: str = "",
    ) -> HTMLResponse:
        """A page that asks before something that cannot be taken back.

        Args:
            fields: What the form sent, to be sent again with `confirmed=yes`; lists repeat.
            word: On the button: what happens, `Send 37 invitations`.
            back: Where the person goes who says no.
            action: Where the form goes; the same address where it is empty.
        """
        sent = [
            (name, one)
            for name, value in fields.items()
            for one in (value if isinstance(value, (list, tuple)) else [value])
        ]
        return self.page(
            "console/confirm.html",
            title=title,
            text=text,
            sent=sent,
            word=word,
            back=back,
            action=action or self.request.url.path,
        )

    def go(self, address: str, *, said: str = "", tone: str = "good") -> RedirectResponse:
        """Leads to another page of the console, which shows once what was done (`said`)."""
        answer = RedirectResponse(address, status_code=303, headers=PAGE_HEADERS)
        if said:
            answer.set_cookie(
                FLASH_COOKIE,
                _flashes(self.house.console_key).dumps([tone, said[:1000]]),
                max_age=60,
                path="/console",
                httponly=True,
                samesite="lax",
                secure=self.house.is_https,
            )
        return answer

    async def note(
        self,
        connection: AsyncConnection,
        action: str,
        subject: str,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Writes what the person did to the audit log, in the transaction of the act."""
        await audit.note(
            connection,
            actor=f"console:{self.who}",
            action=action,
            subject=subject,
            now=self.now,
            detail=detail,
        )


async def visit_of(request: Request) -> Visitor:
    """Checks who comes and what they send; the dependency behind `Visit`."""
    house: House = request.app.state.house
    session = await session_of(request, house)
    if session is None:
        back = request.url.path if request.method in _SAFE else "/console"
        query = request.url.query if request.method in _SAFE else ""
        raise SignInNeeded(f"{back}?{query}" if query else back)
    form = FormData()
    if request.method not in _SAFE:
        check_origin(request)
        try:
            form = await read_form(request)
        except FormRefused as error:
            raise Turned(400, "The form was not taken", str(error)) from None
        given = form.get(TOKEN, "")
        wanted = form_token(house.console_key, session.id)
        if not isinstance(given, str) or not hmac.compare_digest(given.encode(), wanted.encode()):
            raise Turned(
                403,
                "The form is not from this session",
                "Open the page again and send the form from there; nothing was changed.",
            )
    return Visitor(request, house, session, form)


Visit = Annotated[Visitor, Depends(visit_of)]
"""What a page of the console takes as its parameter."""


async def session_of(request: Request, house: House) -> Session | None:
    """The session of the request's cookie, while it lasts."""
    cookie = request.cookies.get(COOKIE, "")
    try:
        id = UUID(str(cookies(house.console_key).loads(cookie[:500])))
    except (BadData, ValueError):
        return None
    async with house.database.begin() as connection:
        return await console_sessions.find_session(connection, id, now=house.clock())


def check_origin(request: Request) -> None:
    """Refuses a form that another site sent (https://www.w3.org/TR/fetch-metadata)."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Turned(
            403,
            "The form came from another site",
            "Open the console itself and send the form from there; nothing was changed.",
        )


def cookies(key: ConsoleKey) -> URLSafeSerializer:
    """Signs session ids; another console key signs everybody out."""
    return URLSafeSerializer(
        key.session_key("cookies"), signer_kwargs={"digest_method": hashlib.sha256}
    )


def form_token(key: ConsoleKey, session_id: UUID) -> str:
    """The token of all forms of a session."""
    return hmac.digest(key.session_key("forms"), session_id.bytes, "sha256").hex()


def _flashes(key: ConsoleKey) -> URLSafeSerializer:
    return URLSafeSerializer(key.session_key("said"))


def _read_flash(visit: Visitor) -> tuple[str, str] | None:
    try:
        found = _flashes(visit.house.console_key).loads(visit.request.cookies.get(FLASH_COOKIE, ""))
        tone, said = found
    except (BadData, ValueError, TypeError):
        return None
    return str(tone), str(said)
