"""Unsubscribing by one press, whether a mailbox presses or a person does.

Mailboxes send the form of RFC 8058 (https://www.rfc-editor.org/rfc/rfc8058) without cookies and
without having opened the page; people press the button of the page. Opening changes nothing.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from gateway.people.door import Closed, house_of, sent, text_of
from gateway.people.pages import page, text_version
from gateway.people.shown import shown_address
from gateway.people.whom import keep, recipient
from loyalty import consent_events
from loyalty.events import Consent
from loyalty.links import LinkKind
from loyalty.store.recipients import Recipient

router = APIRouter()


@router.get("/u/{token}")
async def ask(request: Request, token: str) -> HTMLResponse:
    """The question, with a button."""
    return _page(request, await recipient(request, LinkKind.UNSUBSCRIBE, token), is_done=False)


@router.post("/u/{token}")
async def unsubscribe(request: Request, token: str) -> HTMLResponse:
    """Withdraws consent to marketing: the event is committed before the answer goes."""
    whom = await recipient(request, LinkKind.UNSUBSCRIBE, token)
    form = await sent(request, token)
    is_one_click = text_of(form, "List-Unsubscribe") == "One-Click"
    if not is_one_click and text_of(form, "unsubscribe") != "yes":
        raise Closed("form")
    now = house_of(request).clock()
    # Each press is a word of its own: somebody may have subscribed again since the last one.
    said = Consent(
        channel=whom.channel,
        address=whom.address,
        member_id=str(whom.member_id) if whom.member_id else None,
        via="one_click" if is_one_click else "unsubscribe_page",
        text_version=""
        if is_one_click
        else text_version(request, whom.locale, "unsubscribe_about"),
        is_proven=True,
    )
    await keep(request, [consent_events.withdrawn(said, at=now)], now=now)
    return _page(request, whom, is_done=True)


def _page(request: Request, whom: Recipient, *, is_done: bool) -> HTMLResponse:
    links = house_of(request).links
    return page(
        request,
        "people/unsubscribe.html",
        locale=whom.locale,
        is_done=is_done,
        address=shown_address(whom.address),
        preferences=links.url(LinkKind.PREFERENCES, whom.behind.content()),
    )
