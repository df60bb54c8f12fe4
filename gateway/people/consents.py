"""Unsubscribing by one press, whether a mailbox presses or a person does.

Mailboxes send the form of RFC 8058 (https://www.rfc-editor.org/rfc/rfc8058) without cookies and
without having opened the page; people press the button of the page. Opening changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from gateway.people.door import Closed, house_of, sent, text_of
from gateway.people.pages import page
from gateway.people.shown import shown_address
from gateway.work import Crowded, Work
from loyalty.consent_links import delivery_named, preferences_url
from loyalty.events import Event, EventType, MessageReport
from loyalty.links import LinkInvalid, LinkKind
from loyalty.store.inbox import Incoming
from loyalty.store.recipients import Recipient, recipient_of

router = APIRouter()


@router.get("/u/{token}")
async def ask(request: Request, token: str) -> HTMLResponse:
    """The question, with a button."""
    return _page(request, await recipient(request, LinkKind.UNSUBSCRIBE, token), is_done=False)


@router.post("/u/{token}")
async def unsubscribe(request: Request, token: str) -> Response:
    """Withdraws consent for good: the event is committed before the answer goes."""
    whom = await recipient(request, LinkKind.UNSUBSCRIBE, token)
    form = await sent(request, token)
    is_one_click = text_of(form, "List-Unsubscribe") == "One-Click"
    if not is_one_click and text_of(form, "unsubscribe") != "yes":
        raise Closed("form")
    now = house_of(request).clock()
    via = "one_click" if is_one_click else "unsubscribe_page"
    await keep(request, [_withdrawn(whom, via=via, now=now)], now=now)
    return _page(request, whom, is_done=True)


def _withdrawn(whom: Recipient, *, via: str, now: datetime) -> Event:
    # Each press is a word of its own: somebody may have subscribed again since the last one.
    return Event(
        type=EventType.MESSAGE_UNSUBSCRIBED,
        store="hub",
        key=f"{via}:{whom.delivery_id}:{now.isoformat()}",
        time=now,
        subject=f"contact:{whom.address}",
        data=MessageReport(
            channel=whom.channel,
            address=whom.address,
            vendor_message_id=str(whom.delivery_id),
            detail=via,
        ),
    )


async def recipient(request: Request, kind: LinkKind, token: str) -> Recipient:
    """Whose link it is.

    Raises:
        Closed: The link is altered, or its message is gone.
    """
    house = house_of(request)
    try:
        named: UUID = delivery_named(house.links, kind, token)
    except LinkInvalid:
        raise Closed("altered") from None
    async with house.database.begin() as connection:
        found = await recipient_of(connection, named)
    if found is None:
        raise Closed("gone")
    return found


async def keep(request: Request, events: list[Event], *, now: datetime) -> None:
    """Commits what a person said."""
    try:
        await house_of(request).commit.keep(
            Work(incoming=[Incoming(event=event, received_at=now) for event in events])
        )
    except Crowded:
        raise Closed("away") from None


def _page(request: Request, whom: Recipient, *, is_done: bool) -> HTMLResponse:
    return page(
        request,
        "people/unsubscribe.html",
        locale=whom.locale,
        is_done=is_done,
        address=shown_address(whom.address),
        preferences=preferences_url(house_of(request).links, whom.delivery_id),
    )
