"""Conversations in chats: who wrote, and the invitation that one click sends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse

from gateway.console.visit import Visit, Visitor
from gateway.outcomes import outcome_of
from gateway.work import Work
from loyalty.chats import REFUSALS, open_until, refusal
from loyalty.events import ChatInvited, Event, EventType
from loyalty.programme import Programme
from loyalty.store import chats, rulebook
from loyalty.store.chats import Conversation
from loyalty.store.ids import new_id
from loyalty.store.inbox import Incoming

ADDRESS = "/console/conversations"
SHOWN = 100

router = APIRouter(prefix=ADDRESS)


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation as the page shows it.

    Attributes:
        until: Until when an invitation may be sent; None where it may not.
        why_not: Why it may not, in words.
    """

    conversation: Conversation
    until: datetime | None
    why_not: str


@router.get("")
async def listing(visit: Visit) -> HTMLResponse:
    """Who wrote, the latest first."""
    async with visit.house.database.begin() as connection:
        programme = await rulebook.programme(connection)
        found = await chats.conversations(connection, limit=SHOWN)
    return visit.page(
        "conversations/list.html",
        rows=[_row(one, programme, visit.now) for one in found],
        minutes=programme.chat.invite_link_minutes,
    )


@router.post("/invite")
async def invite(visit: Visit) -> RedirectResponse:
    """Sends the invitation; what the books refuse is told at once."""
    event = _invited(visit)
    await visit.house.commit.keep(Work(incoming=[Incoming(event=event, received_at=visit.now)]))
    ended = await outcome_of(visit.house.database, event.business_key)
    if ended is None or not (ended.is_done or ended.is_refused):
        return visit.go(ADDRESS, said="The invitation is on its way.")
    if not ended.is_done:
        why = REFUSALS.get(ended.code, "this chat belongs to a member already")
        return visit.go(ADDRESS, said=f"Not sent: {why}.", tone="bad")
    async with visit.house.database.begin() as connection:
        await visit.note(connection, "chat.invited", event.subject)
    return visit.go(ADDRESS, said="Sent")


def _invited(visit: Visitor) -> Event:
    store, contact = visit.text("store", longest=100), visit.text("contact", longest=200)
    number = new_id(visit.now)
    data = ChatInvited.model_validate(
        {
            "invitation_id": str(number),
            "channel": store.partition("/")[0],
            "contact": contact,
            "by": visit.who,
        }
    )
    return Event(
        type=EventType.CHAT_INVITED,
        store=store,
        key=str(number),
        time=visit.now,
        subject=f"{store}:customer:{contact}",
        data=data,
    )


def _row(found: Conversation, programme: Programme, now: datetime) -> Row:
    contact = found.contact
    if contact.member_id is not None:
        return Row(found, None, "a member")
    code = refusal(contact, programme.chat, programme.messaging, channel=contact.channel, now=now)
    until = None if code else open_until(contact, programme.messaging)
    return Row(found, until, REFUSALS.get(code, ""))
