"""Members: found by what they are known by, and everything there is of one of them."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from gateway.console.adjusting import adjustment_event, approval_event, block_event, known_by
from gateway.console.happening import happened, told
from gateway.console.member_page import member_page
from gateway.console.paging import ROWS, offset_of, paged
from gateway.console.points import read_points, shown_points
from gateway.console.stopping import stopping_events
from gateway.console.visit import Turned, Visit, Visitor
from loyalty.programme import Programme
from loyalty.store import member_records, rulebook, stories
from loyalty.store.people import Member
from rules.story import tell

router = APIRouter(prefix="/console/members")


@router.get("")
async def search(visit: Visit, q: str = "", page: str = "1") -> HTMLResponse:
    """Everybody, or those that match what was typed."""
    q, offset = q.strip()[:200], offset_of(page)
    async with visit.house.database.begin() as connection:
        programme = await rulebook.programme(connection)
        found = await member_records.search(connection, q, limit=ROWS + 1, offset=offset)
    rows, pages = paged(found, offset=offset, address="/console/members", query={"q": q})
    return visit.page(
        "console/members.html", q=q, members=rows, pages=pages, scale=programme.unit_scale
    )


@router.get("/{member_id}")
async def member(visit: Visit, member_id: UUID, before: UUID | None = None) -> HTMLResponse:
    """One member: balance, movements, messages, consents."""
    one, programme = await _known(visit, member_id)
    return await member_page(visit, one, programme, before=before)


@router.get("/{member_id}/why/{event_id}")
async def why(visit: Visit, member_id: UUID, event_id: int) -> HTMLResponse:
    """Why an event earned what it earned, from what was stored with it."""
    one, programme = await _known(visit, member_id)
    async with visit.house.database.begin() as connection:
        event = await stories.named(connection, str(event_id))
        if event is None or event.member_id != str(member_id):
            raise Turned(404, "There is no such event", "The member's page lists all there are.")
        story = await stories.story_of(connection, event, now=visit.now)
    return visit.page("console/why.html", member=one, told=tell(story), scale=programme.unit_scale)


@router.post("/{member_id}/points")
async def adjust(visit: Visit, member_id: UUID) -> Response:
    """Gives or takes points, with a reason; the same form sent twice counts once."""
    one, programme = await _known(visit, member_id)
    points = read_points(visit.text("points"), programme.unit_scale)
    reason = visit.text("reason", longest=500)
    problems = {}
    if not points:
        problems["points"] = "Give a number other than 0, such as 50 or -50."
    if not reason:
        problems["reason"] = "Say why: it is kept, and the member may ask."
    if problems or points is None:
        return await member_page(visit, one, programme, problems=problems, status=422)
    async with visit.house.database.begin() as connection:
        names = await member_records.identities_of(connection, one.id)
        store, customer = known_by(names)
        event = adjustment_event(
            visit, store=store, customer=customer, points=points, reason=reason
        )
        detail = {"points": points, "event": event.business_key}
        await visit.note(connection, "points.adjusted", str(one.id), detail)
    word = "given" if points > 0 else "taken"
    tone, said = told(
        await happened(visit, event),
        done=f"{shown_points(abs(points), programme.unit_scale)} points {word}.",
    )
    return visit.go(f"/console/members/{member_id}", said=said, tone=tone)


@router.post("/{member_id}/approve")
async def approve(visit: Visit, member_id: UUID) -> RedirectResponse:
    """Agrees to points that somebody else asked for."""
    one, _ = await _known(visit, member_id)
    key = visit.text("key")
    async with visit.house.database.begin() as connection:
        waiting = await member_records.waiting_adjustments(connection, one.id)
        if key not in {each.key for each in waiting}:
            raise Turned(404, "Nothing waits under this name", "Look at the member once more.")
        await visit.note(connection, "adjustment.approved", str(one.id), {"adjustment": key})
    outcome = await happened(visit, approval_event(visit, key, member_id=one.id))
    tone, said = told(outcome, done="Agreed; the points are booked.")
    return visit.go(f"/console/members/{member_id}", said=said, tone=tone)


@router.post("/{member_id}/stop")
async def stop_messages(visit: Visit, member_id: UUID) -> Response:
    """Withdraws consent on every channel for the member who asked for it by phone or letter."""
    one, _ = await _known(visit, member_id)
    here = f"/console/members/{member_id}"
    if not visit.is_confirmed:
        return visit.ask(
            "Stop all news and offers to this member?",
            "They get no more until they agree again themselves. Receipts still go.",
            fields={},
            word="Stop them",
            back=here,
        )
    async with visit.house.database.begin() as connection:
        await visit.note(connection, "consent.withdrawn", str(one.id))
    tone, said = "good", "Nothing was to be stopped."
    for event in stopping_events(visit, one):
        tone, said = told(await happened(visit, event), done="They get no more news and offers.")
    return visit.go(here, said=said, tone=tone)


@router.post("/{member_id}/block")
async def block(visit: Visit, member_id: UUID) -> Response:
    """Stops a member from spending, after a question; or lets them again."""
    one, _ = await _known(visit, member_id)
    here, is_blocked = f"/console/members/{member_id}", one.blocked_at is None
    reason = visit.text("reason", longest=500)
    if is_blocked and not reason:
        return visit.go(here, said="Say why the member is blocked.", tone="bad")
    if is_blocked and not visit.is_confirmed:
        return visit.ask(
            "Block this member?",
            "They can spend no points and take no rewards until somebody lets them again. They "
            "go on earning, and what is on hold stays.",
            fields={"reason": reason},
            word="Block",
            back=here,
        )
    async with visit.house.database.begin() as connection:
        store, customer = known_by(await member_records.identities_of(connection, one.id))
        await visit.note(
            connection, "member.blocked" if is_blocked else "member.unblocked", str(one.id)
        )
    event = block_event(visit, store=store, customer=customer, is_blocked=is_blocked, reason=reason)
    done = "They can spend no points now." if is_blocked else "They can spend points again."
    tone, said = told(await happened(visit, event), done=done)
    return visit.go(here, said=said, tone=tone)


async def _known(visit: Visitor, member_id: UUID) -> tuple[Member, Programme]:
    async with visit.house.database.begin() as connection:
        one = await member_records.find(connection, member_id)
        programme = await rulebook.programme(connection)
    if one is None:
        raise Turned(404, "There is no such member", "Search by name, e-mail, phone or card.")
    return one, programme
