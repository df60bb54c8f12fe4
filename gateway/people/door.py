"""What every page for people checks first: that the link is ours, and that nobody hurries.

A page takes the content of its link by `opened`, its form by `sent`, and refuses with `Closed`.
"""

from __future__ import annotations

from typing import Any, Literal

from fastapi import Request
from fastapi.responses import HTMLResponse
from starlette.datastructures import FormData

from gateway.console.forms import FormRefused, read_form
from gateway.console.house import House
from gateway.people.pace import Pace
from gateway.people.pages import page
from loyalty.links import LinkInvalid, LinkKind

FORM_LIMIT = 32 * 1024

Why = Literal["altered", "expired", "used", "gone", "other", "busy", "away", "form"]
"""Why a link or form is refused; each has its title and advice in words.py."""

_STATUS = {
    "altered": 404,
    "expired": 410,
    "used": 410,
    "gone": 410,
    "other": 403,
    "busy": 429,
    "away": 503,
    "form": 400,
}

_SENT = Pace(per_minute=20)
_OPENED = Pace(per_minute=120)
"""Scanners open a link some dozens of times; whoever opens it more often waits."""


class Closed(Exception):
    """Ends a request with a page that says kindly what happened and what to do."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


def house_of(request: Request) -> House:
    """Database, vault, links, inbox and clock."""
    found: House = request.app.state.house
    return found


def opened(request: Request, kind: LinkKind, token: str) -> dict[str, Any]:
    """What the link carries.

    Raises:
        Closed: It was altered, or is of another kind.
    """
    try:
        return house_of(request).links.read(kind, token)
    except LinkInvalid:
        raise Closed("altered") from None


def looked(request: Request, token: str) -> None:
    """Counts that a link of ours was opened; call it before the database is asked.

    Raises:
        Closed: It was opened too often within a minute.
    """
    if not _OPENED.may(token, now=house_of(request).clock()):
        raise Closed("busy")


async def sent(request: Request, token: str) -> FormData:
    """The form that was sent with the link, small and not too often.

    Call it after the link was read: only links of ours are counted.

    Raises:
        Closed: Too many forms came with this link within a minute, or this is none.
    """
    if not _SENT.may(token, now=house_of(request).clock()):
        raise Closed("busy")
    try:
        return await read_form(request, fields_limit=FORM_LIMIT, upload_limit=FORM_LIMIT)
    except FormRefused:
        raise Closed("form") from None


def text_of(form: FormData, name: str, *, longest: int = 500) -> str:
    """A field's text; empty where it was not sent."""
    found = form.get(name, "")
    return found.strip()[:longest] if isinstance(found, str) else ""


def refused(request: Request, why: Why) -> HTMLResponse:
    """The page of a refusal."""
    answer = page(request, "people/refused.html", status=_STATUS[why], why=why)
    if why in ("busy", "away"):
        answer.headers["retry-after"] = "60"
    return answer
