"""The signed links and the pixel of e-mails: a click leads on at once, and is kept as an event.

Nothing is decided here. Whether a person or a machine came by is judged where the event is
worked off; what only this request can say (a HEAD, a look ahead, no name at all) goes with it.
Counting never stands in a person's way: where the event cannot be kept, the link still leads on.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from gateway.people.door import Closed, house_of
from gateway.people.pace import Pace
from gateway.people.pages import PAGE_HEADERS
from gateway.work import Crowded, Unstorable, Work
from loyalty.engagement import link_mark
from loyalty.events import Channel, Event, EventType, MessageReport
from loyalty.links import LinkInvalid
from loyalty.store.database import StoreAway
from loyalty.store.inbox import Incoming
from loyalty.tracking import Followed, read_click, read_open

logger = logging.getLogger("hub.gateway")
router = APIRouter()

PATIENCE_SECONDS = 1.0
"""How long a person waits for the counting of their click at most."""

PER_MINUTE = 30
"""How many opens and clicks of one message are counted in a minute; the rest is led on only."""

_PACE = Pace(per_minute=PER_MINUTE)
_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_HEADERS = {**PAGE_HEADERS, "cache-control": "no-store, max-age=0"}
_AHEAD = ("purpose", "sec-purpose", "x-purpose", "x-moz")


@router.api_route("/l/{token}", methods=["GET", "HEAD"])
async def follow(request: Request, token: str) -> Response:
    """Leads to where the link of a message goes."""
    try:
        followed = read_click(house_of(request).links, token)
    except LinkInvalid:
        raise Closed("altered") from None
    if urlsplit(followed.target).scheme not in ("http", "https"):
        raise Closed("altered")
    await _count(request, EventType.MESSAGE_CLICKED, followed)
    return RedirectResponse(followed.target, status_code=302, headers=_HEADERS)


@router.api_route("/o/{token}", methods=["GET", "HEAD"])
async def picture(request: Request, token: str) -> Response:
    """A picture of one pixel. Everybody gets it, so that no mail shows a broken one."""
    try:
        followed = read_open(house_of(request).links, token)
    except LinkInvalid:
        return Response(_PIXEL, media_type="image/gif", headers=_HEADERS)
    await _count(request, EventType.MESSAGE_OPENED, followed)
    return Response(_PIXEL, media_type="image/gif", headers=_HEADERS)


async def _count(request: Request, kind: EventType, followed: Followed) -> None:
    house = house_of(request)
    now = house.clock()
    if not _PACE.may(followed.delivery_id.hex, now=now):
        return
    event = _event(request, kind, followed)
    work = Work(incoming=[Incoming(event=event, received_at=now)])
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await house.commit.keep(work)
    except (Crowded, Unstorable, StoreAway, TimeoutError) as error:
        logger.warning("a %s was not counted: %s", kind.value, type(error).__name__)


def _event(request: Request, kind: EventType, followed: Followed) -> Event:
    now = house_of(request).clock()
    link = link_mark(followed.target)
    delivery_id = str(followed.delivery_id)
    agent = request.headers.get("user-agent", "").strip()
    is_ahead = any("pre" in request.headers.get(name, "").lower() for name in _AHEAD)
    return Event(
        type=kind,
        store="hub",
        # What comes twice within a second is one: browsers repeat, people do not.
        key=f"{delivery_id}:{link}:{int(now.timestamp())}",
        time=now,
        subject=f"delivery:{delivery_id}",
        data=MessageReport(
            channel=Channel.EMAIL,
            address="",
            vendor_message_id=delivery_id,
            detail=followed.target[:500],
            user_agent=agent[:500],
            is_machine=request.method == "HEAD" or is_ahead or not agent,
        ),
    )
