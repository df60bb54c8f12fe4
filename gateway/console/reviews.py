"""What people wrote that may be a wish to stop: sending is paused until somebody has read it."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse

from gateway.console.happening import happened, told
from gateway.console.visit import Turned, Visit
from loyalty import consent_events
from loyalty.store import opt_ins

router = APIRouter(prefix="/console/reviews")
HERE = "/console/reviews"

DECISIONS: dict[str, Literal["stop", "continue"]] = {"stop": "stop", "continue": "continue"}
_DONE = {"stop": "They get no more on this channel.", "continue": "Sending goes on."}


@router.get("")
async def listed(visit: Visit) -> HTMLResponse:
    """What waits to be read, oldest first."""
    async with visit.house.database.begin() as connection:
        found = await opt_ins.open_reviews(connection)
    return visit.page("console/reviews.html", reviews=found)


@router.post("")
async def decide(visit: Visit) -> RedirectResponse:
    """Takes down what was meant; the desk ends the pause."""
    decision = DECISIONS.get(visit.text("decision"))
    try:
        id = UUID(visit.text("id"))
    except ValueError:
        decision = None
    if decision is None:
        raise Turned(400, "This says nothing", "Choose one of the two buttons beside the text.")
    event = consent_events.decided(id, decision, by=visit.who, at=visit.now)
    async with visit.house.database.begin() as connection:
        await visit.note(connection, f"review.{decision}", str(id))
    tone, said = told(await happened(visit, event), done=_DONE[decision])
    return visit.go(HERE, said=said, tone=tone)
