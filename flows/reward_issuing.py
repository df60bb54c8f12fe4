"""What a shop is asked to do for a reward that a member wants: to issue it.

The code is the hub's choice and is kept with the reward before the shop is asked, so that an
attempt that is repeated issues the same one, and texts and orders can be matched with it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from connectors.kit.action import Capability, Payload
from connectors.kit.capabilities import (
    CouponIssue,
    GiftCardIssue,
    StoreCreditGrant,
    TicketOpen,
)
from flows.directory import Route
from flows.offers import CAPABILITY_OF_REWARD, new_code
from flows.terms import Terms
from loyalty.catalogue import RewardKind
from loyalty.money import decimals
from loyalty.store.deliveries import LEASE, Delivery
from loyalty.store.ids import new_id
from loyalty.store.people import Member
from loyalty.store.reward_ends import RULE
from loyalty.store.rewards import Reward

WITHOUT_CODE = (RewardKind.STORE_CREDIT,)
"""Kinds that go straight into the customer's account."""


def code_for(kind: RewardKind, prefix: str) -> str:
    """A new code; empty for what has none."""
    return "" if kind in WITHOUT_CODE else new_code(prefix)


def route_for(reward: Reward, terms: Terms) -> Route:
    """The connection that issues it: the item's own, or the programme's choice."""
    capability = CAPABILITY_OF_REWARD[reward.terms.kind]
    # A ticket is opened where tickets go; the item's shop says where the thing itself is had.
    fixed = "" if capability is Capability.TICKET else reward.terms.connection
    return terms.planner.directory.route(capability, terms.programme, fixed)


def issue(
    reward: Reward, member: Member, route: Route, terms: Terms, *, event_id: int, customer_id: str
) -> Delivery:
    """The delivery that issues the reward.

    Raises:
        ValidationError: The shop could not take it: nobody to issue it to, or no fitting value.
    """
    payload = _payload(reward, member, customer_id, terms.now)
    capability = CAPABILITY_OF_REWARD[reward.terms.kind]
    return delivery_for(
        reward, route, terms, capability=capability, payload=payload, verb="issue", event=event_id
    )


def delivery_for(
    reward: Reward,
    route: Route,
    terms: Terms,
    *,
    capability: Capability,
    payload: Payload,
    verb: str,
    event: int,
) -> Delivery:
    """The delivery that issues or ends a reward, once each; held where nothing serves it now."""
    is_ready = not route.problem
    return Delivery(
        id=new_id(terms.now),
        key=f"reward:{reward.id}:{verb}",
        capability=capability.value,
        input=payload.model_dump(mode="json"),
        state="pending" if is_ready else "held",
        created_at=terms.now,
        connector=route.connector,
        connection=route.connection,
        action=route.action,
        event_id=event,
        member_id=reward.member_id,
        rule=f"{RULE}{reward.item_id}",
        target=str(reward.id),
        reason=route.problem,
        owner=terms.planner.owner if is_ready else "",
        lease_until=terms.now + LEASE if is_ready else None,
    )


def _payload(reward: Reward, member: Member, customer_id: str, now: datetime) -> Payload:
    item, whom = reward.terms, {**_whom(member), "customer_id": customer_id}
    title = item.name_in("")
    match item.kind:
        case RewardKind.DISCOUNT | RewardKind.FREE_SHIPPING:
            return _coupon(reward, whom, now)
        case RewardKind.GIFT_CARD:
            return GiftCardIssue(
                **whom,
                code=reward.code,
                amount=_money(reward),
                currency=reward.currency,
                expires_on=_last_day(reward),
                note=title,
            )
        case RewardKind.STORE_CREDIT:
            return StoreCreditGrant(
                **whom,
                amount=_money(reward),
                currency=reward.currency,
                expires_at=reward.expires_at,
                reason=title,
            )
        case RewardKind.PRODUCT | RewardKind.CUSTOM:
            given = item.product or title
            return TicketOpen(
                subject=f"Hand out a reward: {given}"[:200],
                body=f"Member {member.id} spent {reward.points} points on {given}. Their code is "
                f"{reward.code}; say that it was used with `hub rewards use {reward.id}`.",
                email=member.email or "",
                name=f"{member.first_name} {member.last_name}".strip(),
                tags=("loyalty-reward",),
            )


def _coupon(reward: Reward, whom: dict[str, str], now: datetime) -> CouponIssue:
    item = reward.terms
    is_shipping = item.kind is RewardKind.FREE_SHIPPING
    kind = "free_shipping" if is_shipping else "percent" if item.is_percent else "amount"
    values: dict[str, Any] = {"value": Decimal(0), "currency": None}
    if kind == "amount":
        values = {"value": _money(reward), "currency": reward.currency}
    elif kind == "percent":
        values = {"value": item.value, "currency": None}
    if item.order_minimum is not None:
        values["currency"] = reward.currency
    return CouponIssue(
        **whom,
        code=reward.code,
        title=item.name_in(""),
        kind=kind,
        minimum=item.order_minimum,
        starts_at=now,
        ends_at=reward.expires_at,
        **values,
    )


def _money(reward: Reward) -> Decimal:
    """The worth at the currency's scale; a fraction of a cent is nobody's."""
    scale = Decimal(1).scaleb(-decimals(reward.currency))
    return (reward.value or Decimal(0)).quantize(scale, rounding=ROUND_DOWN)


def _last_day(reward: Reward) -> Any:
    """The last day on which it is good: its expiry is the first instant at which it is not."""
    at = reward.expires_at
    return None if at is None else (at - timedelta(seconds=1)).date()


def _whom(member: Member) -> dict[str, str]:
    return {
        "email": member.email or "",
        "phone": member.phone or "",
        "external_id": str(member.id),
    }
