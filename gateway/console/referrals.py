"""Recommendations in the console: who came by whom, and those that wait for a person's look."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse

from gateway.console.visit import Turned, Visit
from gateway.work import Work
from loyalty import referral_events
from loyalty.referrals import ReferralState
from loyalty.store import referrals, rulebook
from loyalty.store.inbox import Incoming

ADDRESS = "/console/referrals"
SHOWN = 100

router = APIRouter(prefix=ADDRESS)


@router.get("")
async def listing(visit: Visit, state: str = "") -> HTMLResponse:
    """Those that are held come first; a state shows its own alone."""
    chosen = state if state in set(ReferralState) else ""
    async with visit.house.database.begin() as connection:
        programme = await rulebook.programme(connection)
        held = await referrals.listed(connection, state=ReferralState.HELD.value, limit=SHOWN)
        found = await referrals.listed(connection, state=chosen, limit=SHOWN)
    return visit.page(
        "referrals/list.html",
        policy=programme.referral,
        held=held,
        found=found,
        states=[one.value for one in ReferralState],
        chosen=chosen,
    )


@router.post("/decide")
async def decide(visit: Visit) -> RedirectResponse:
    """Approves or refuses a recommendation that is held; the points follow by themselves."""
    try:
        friend = UUID(visit.text("friend"))
    except ValueError:
        raise Turned(
            404, "There is no such recommendation", "Look at the list once more."
        ) from None
    is_approved = visit.text("decision") == "approve"
    event = referral_events.decided(
        friend,
        approved=is_approved,
        by=visit.who,
        at=visit.now,
        reason=visit.text("reason", longest=500),
    )
    await visit.house.commit.keep(Work(incoming=[Incoming(event=event, received_at=visit.now)]))
    async with visit.house.database.begin() as connection:
        action = "referral.approved" if is_approved else "referral.refused"
        await visit.note(connection, action, str(friend))
    word = "approved: the points are booked in a moment" if is_approved else "refused"
    return visit.go(ADDRESS, said=f"The recommendation is {word}.")
