"""Who did what, when, to what: the audit log, newest first."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from gateway.console.paging import ROWS, Paging
from gateway.console.rendering import query
from gateway.console.visit import Visit
from loyalty.store import audit

router = APIRouter(prefix="/console/log")
HERE = "/console/log"


@router.get("")
async def listed(visit: Visit, who: str = "", what: str = "", before: str = "") -> HTMLResponse:
    """The lines of the log, of everybody or of one."""
    chosen = {"who": _clean(who), "what": _clean(what)}
    last = int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None
    async with visit.house.database.begin() as connection:
        found = await audit.latest(
            connection, actor=chosen["who"], about=chosen["what"], before=last, limit=ROWS + 1
        )
    rows = found[:ROWS]
    after = query({**chosen, "before": rows[-1].id}) if len(found) > ROWS else ""
    pages = Paging(
        before=f"{HERE}?{query(chosen)}" if last else "", after=f"{HERE}?{after}" if after else ""
    )
    return visit.page("console/log.html", lines=rows, chosen=chosen, pages=pages)


def _clean(text: str) -> str:
    return text.strip()[:200].replace("\x00", "")
