"""What other parts of the hub offer to members: rewards and the referral programme."""

from __future__ import annotations

from typing import Any

from gateway.widget.board import Board
from gateway.widget.desk import Visit
from loyalty.store.member_sessions import Session


def tabs(board: Board) -> list[str]:
    """The tabs that the programme fills, in order."""
    return ["earn", "balance"]


async def catalogue(visit: Visit) -> list[dict[str, Any]]:
    """What points can be redeemed for."""
    return []


async def rewards_of(visit: Visit, session: Session) -> list[dict[str, Any]]:
    """What the member has."""
    return []


async def referral_link(visit: Visit, session: Session) -> str:
    """The member's own link; empty where the programme has no referrals."""
    return ""
