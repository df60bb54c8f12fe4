"""The first page: what waits, what failed, and what was started."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse

from gateway.console.visit import Turned, Visit
from loyalty.store import errands

router = APIRouter()

TROUBLE = ("dead", "unknown", "parked", "held")


@router.get("/console")
async def home(visit: Visit) -> HTMLResponse:
    """What needs a person comes first."""
    figures = await visit.house.figures.latest()
    async with visit.house.database.begin() as connection:
        asked = await errands.latest(connection)
    return visit.page(
        "console/home.html",
        figures=figures,
        waiting=[one for one in figures.waiting if one.count or one.is_paused],
        troubled=[one for one in figures.deliveries if one.state in TROUBLE],
        connections=[one for one in visit.house.table.listed() if one.state != "active"],
        errands=asked,
        prefect_ui_url=visit.house.prefect_ui_url,
    )


@router.post("/console/errands")
async def try_again(visit: Visit) -> RedirectResponse:
    """Has a failed errand started again."""
    key = visit.text("key")
    async with visit.house.database.begin() as connection:
        if not await errands.ask_again(connection, key, now=visit.now):
            raise Turned(404, "This run is not one that failed", "Look at the list once more.")
        await visit.note(connection, "errand.asked_again", key)
    return visit.go("/console", said="It is being started again.")
