"""What the widget shows: each tab is one address, answered with a fingerprint."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from gateway.widget import movements, offering
from gateway.widget.desk import PlainRoute, Visit, Visiting, told
from gateway.widget.earning import title_of, ways_to_earn
from loyalty.store import statements
from loyalty.store.statements import Statement

PAGE = 20
MOST_LAPSING = 12

router = APIRouter(prefix="/widget/api/{site}", route_class=PlainRoute, include_in_schema=False)


@router.get("/me")
async def me(visit: Visiting) -> Response:
    """Who is signed in, what they have, and what expires when."""
    return told(visit, await who(visit))


async def who(visit: Visit) -> dict[str, Any]:
    """Who is signed in, as the page has it."""
    session = visit.session
    if session is None:
        return {"state": "nobody"}
    known = {"carries": session.carries, "email": session.email}
    found = None
    if session.member_id is not None:
        async with visit.desk.house.database.begin() as connection:
            found = await statements.statement(
                connection, session.member_id, visit.board.terms, now=visit.now
            )
    if found is None:
        return {"state": "stranger", "name": session.first_name, **known}
    return {"state": "member", **known, **_account(found)}


def _account(found: Statement) -> dict[str, Any]:
    return {
        "name": found.first_name,
        "tier": found.tier,
        "available": found.balance.available,
        "pending": found.balance.pending,
        "lapsing": [
            {"at": at.isoformat(), "points": points} for at, points in found.lapsing[:MOST_LAPSING]
        ],
    }


@router.get("/movements")
async def movements_of(visit: Visiting) -> Response:
    """A page of the member's movements, the latest first; `before` is the last one shown."""
    member_id = visit.member()
    before = _uuid(visit.request.query_params.get("before", ""))
    async with visit.desk.house.database.begin() as connection:
        found = await statements.movements(connection, member_id, limit=PAGE + 1, before=before)
    language = visit.wording.language
    titles = {rule.id: title_of(rule, language) for rule in visit.board.rules}
    page = movements.told(found[:PAGE], titles, visit.wording)
    return told(visit, {"movements": page, "is_more": len(found) > PAGE})


def _uuid(given: str) -> UUID | None:
    try:
        return UUID(given) if given else None
    except ValueError:
        return None


@router.get("/earn")
async def earn(visit: Visiting) -> Response:
    """The ways to earn points; the same for everybody."""
    return told(visit, {"ways": ways(visit)})


def ways(visit: Visit) -> list[dict[str, Any]]:
    """The ways to earn points, as the page has them."""
    board = visit.board
    return ways_to_earn(board.rules, board.programme, visit.site, visit.wording, now=visit.now)


@router.get("/redeem")
async def redeem(visit: Visiting) -> Response:
    """What points can be redeemed for."""
    return told(visit, {"rewards": await offering.shelf(visit)})


@router.get("/rewards")
async def rewards(visit: Visiting) -> Response:
    """The member's rewards, the latest first."""
    return told(visit, {"rewards": await offering.rewards_of(visit, visit.member())})


@router.get("/referral")
async def referral(visit: Visiting) -> Response:
    """The member's own link; none where the programme has no referrals."""
    return told(visit, {"link": await offering.referral_link(visit, visit.member())})
