"""The contents of what rules ask for beyond messages and records: rewards, tickets, rows, changes.

Codes are the hub's choice, made when the delivery is planned and kept with it, so that an
attempt that is repeated issues the same code. They have no 0, O, 1, I: people type them in.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from connectors.kit.action import Capability, Payload
from connectors.kit.capabilities import (
    CouponIssue,
    CustomerChange,
    GiftCardIssue,
    JourneyEntry,
    RowUpsert,
    StoreCreditGrant,
    TicketOpen,
)
from loyalty.money import decimals
from loyalty.store.people import Member
from rules.decision import Effect, EffectKind, RewardKind, RewardOffer

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 10

CAPABILITY_OF_REWARD: dict[RewardKind, Capability] = {
    RewardKind.DISCOUNT: Capability.COUPON,
    RewardKind.FREE_SHIPPING: Capability.COUPON,
    RewardKind.GIFT_CARD: Capability.GIFT_CARD,
    RewardKind.STORE_CREDIT: Capability.STORE_CREDIT,
    RewardKind.PRODUCT: Capability.TICKET,
    RewardKind.CUSTOM: Capability.TICKET,
}
"""No shop can issue a product or something of one's own: a ticket asks a person to hand it out."""


def new_code(prefix: str) -> str:
    """A code that nobody guesses: 50 bits of chance behind the prefix."""
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def reward(effect: Effect, member: Member, *, currency: str, now: datetime) -> Payload:
    """What issues the reward of an effect."""
    offer = effect.reward
    assert offer is not None
    days = offer.valid_days
    ends_at = None if days is None else now + timedelta(days=days)
    match offer.kind:
        case RewardKind.DISCOUNT | RewardKind.FREE_SHIPPING:
            return _coupon(effect, offer, member, currency=currency, now=now)
        case RewardKind.GIFT_CARD:
            return GiftCardIssue(
                **_whom(member),
                code=new_code(offer.code_prefix),
                amount=_money(offer, currency),
                currency=currency,
                expires_on=None if ends_at is None else ends_at.date(),
                note=effect.name,
            )
        case RewardKind.STORE_CREDIT:
            return StoreCreditGrant(
                **_whom(member),
                amount=_money(offer, currency),
                currency=currency,
                expires_at=ends_at,
                reason=effect.name,
            )
        case RewardKind.PRODUCT | RewardKind.CUSTOM:
            given = offer.product or effect.name or effect.rule
            return TicketOpen(
                subject=f"Hand out a reward: {given}"[:200],
                body=f"The rule {effect.rule} gives member {member.id}: {given}.",
                email=member.email or "",
                name=f"{member.first_name} {member.last_name}".strip(),
                tags=("loyalty-reward",),
            )


def _coupon(
    effect: Effect, offer: RewardOffer, member: Member, *, currency: str, now: datetime
) -> CouponIssue:
    is_free_shipping = offer.kind is RewardKind.FREE_SHIPPING
    kind = "free_shipping" if is_free_shipping else "percent" if offer.is_percent else "amount"
    return CouponIssue(
        **_whom(member),
        code=new_code(offer.code_prefix),
        title=effect.name or effect.rule,
        kind=kind,
        value=_money(offer, currency) if kind == "amount" else offer.value or 0,
        currency=currency if kind == "amount" else None,
        starts_at=now,
        ends_at=None if offer.valid_days is None else now + timedelta(days=offer.valid_days),
    )


def journey(effect: Effect, member: Member, values: Mapping[str, Any], at: datetime) -> Payload:
    """What lets the member into a campaign of a marketing tool."""
    return JourneyEntry(**_whom(member), journey=effect.name, time=at, properties=dict(values))


def customer_change(effect: Effect, member: Member, values: Mapping[str, Any]) -> Payload:
    """What changes the customer's record in the shop."""
    return CustomerChange(**_whom(member), add_tags=effect.tags, fields=dict(values))


def row(effect: Effect, key: Any, values: Mapping[str, Any]) -> Payload:
    """What writes the row of a sheet that a key names."""
    return RowUpsert(key_column=effect.key_column, key=str(key), values=dict(values))


def ticket(effect: Effect, member: Member, text: str, values: Mapping[str, Any]) -> Payload:
    """What opens a case for the service team; the first line of the text is its subject."""
    subject, _, rest = text.strip().partition("\n")
    return TicketOpen(
        subject=subject[:200],
        body=rest.strip() or subject,
        email=member.email or "",
        name=f"{member.first_name} {member.last_name}".strip(),
        tags=(*effect.tags, *((effect.name,) if effect.name else ())),
        fields=dict(values),
    )


def capability_of_offer(effect: Effect) -> Capability:
    """What serves an effect of one of these kinds."""
    if effect.kind is EffectKind.ISSUE_REWARD:
        assert effect.reward is not None
        return CAPABILITY_OF_REWARD[effect.reward.kind]
    return _CAPABILITY_OF[effect.kind]


_CAPABILITY_OF: dict[EffectKind, Capability] = {
    EffectKind.UPDATE_ROW: Capability.ROW,
    EffectKind.JOIN_CAMPAIGN: Capability.JOURNEY,
    EffectKind.CREATE_TICKET: Capability.TICKET,
    EffectKind.UPDATE_CUSTOMER: Capability.CUSTOMER,
}


def _money(offer: RewardOffer, currency: str) -> Decimal:
    """The worth of an offer at the currency's scale; a fraction of a cent is nobody's."""
    scale = Decimal(1).scaleb(-decimals(currency))
    return (offer.value or Decimal(0)).quantize(scale, rounding=ROUND_DOWN)


def _whom(member: Member) -> dict[str, str]:
    return {
        "email": member.email or "",
        "phone": member.phone or "",
        "external_id": str(member.id),
    }
