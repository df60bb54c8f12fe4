"""What other parts of the hub offer to members: rewards and the referral programme."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from gateway.widget.board import Board
from gateway.widget.desk import Visit
from loyalty.catalogue import RewardItem, cost_of
from loyalty.links import LinkKind
from loyalty.store import catalogue, my_rewards, referrals
from loyalty.store.my_rewards import MyReward, Offer, is_shown

_STATES = {
    "requested": "coming",
    "held": "coming",
    "issued": "usable",
    "used": "used",
    "expired": "over",
    "voided": "void",
}
"""How a reward's state is told; what failed or was refused says so in words of its own."""


def tabs(board: Board) -> list[str]:
    """The tabs that the programme fills, in order."""
    has_referrals = board.programme.referral is not None
    return ["earn", "redeem", "rewards", *(["referral"] if has_referrals else []), "balance"]


async def shelf(visit: Visit) -> list[dict[str, Any]]:
    """What points can be redeemed for: for a member with what stands in the way."""
    member_id, locale = visit.member_id, visit.wording.language
    async with visit.desk.house.database.begin() as connection:
        if member_id is not None:
            terms = visit.board.terms
            mine = await my_rewards.offers(
                connection, member_id, terms, locale=locale, now=visit.now
            )
            return [_offered(one, visit) for one in mine]
        items = [one.item for one in await catalogue.items(connection)]
    return [_to_anybody(one, locale) for one in items if is_shown(one, visit.now)]


def _offered(offer: Offer, visit: Visit) -> dict[str, Any]:
    known = f"refused_{offer.code}"
    why = visit.wording.say(known) if visit.wording.knows(known) else offer.why_not
    return {
        "id": offer.id,
        "name": offer.name,
        "text": offer.description,
        "points": offer.points,
        "least": _text(offer.least_amount),
        "most": _text(offer.most_amount),
        "per_unit": offer.points_per_unit,
        "can_have": offer.can_have,
        "is_short": offer.code == "insufficient_points",
        "why_not": why if offer.code else "",
    }


def _to_anybody(item: RewardItem, locale: str) -> dict[str, Any]:
    return {
        "id": item.id,
        "name": item.name_in(locale),
        "text": item.description_in(locale),
        "points": cost_of(item),
    }


async def rewards_of(visit: Visit, member_id: UUID) -> list[dict[str, Any]]:
    """What the member has, the newest first."""
    async with visit.desk.house.database.begin() as connection:
        found = await my_rewards.mine(
            connection, member_id, locale=visit.wording.language, now=visit.now
        )
    return [_mine(one, visit) for one in found]


def _mine(reward: MyReward, visit: Visit) -> dict[str, Any]:
    state = _STATES.get(reward.state, "failed")
    use = reward.use
    if use is not None and not use.url:
        href = visit.site.use_page(quote(reward.code, safe=""))
    else:
        href = use.url if use else ""
    return {
        "id": reward.id,
        "name": reward.name,
        "state": state,
        "code": reward.code,
        "until": reward.expires_at.isoformat() if reward.expires_at else None,
        "href": href,
        "copies": bool(use and not use.applies_code),
    }


async def referral_link(visit: Visit, member_id: UUID) -> str:
    """The member's own link; empty where the programme has no referrals."""
    if visit.board.programme.referral is None:
        return ""
    async with visit.desk.house.database.begin() as connection:
        code = await referrals.code_of(connection, member_id, now=visit.now)
    return visit.desk.house.links.url(LinkKind.REFER, {"c": code})


def _text(amount: object) -> str | None:
    return None if amount is None else str(amount)
