"""What the rules may know about a member at the moment of an event."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pydantic import AwareDatetime

from loyalty.events import Frozen, Line, Order, Payment


class MemberFacts(Frozen):
    """A member as the books know them before the event is counted."""

    id: str = ""
    is_enrolled: bool = False
    joined_at: AwareDatetime | None = None
    first_name: str = ""
    last_name: str = ""
    email: str | None = None
    phone: str | None = None
    locale: str = ""
    zone: str = ""
    birthday: date | None = None
    tags: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    tier: str = ""
    tier_factor: Decimal = Decimal(1)
    points: int = 0
    points_pending: int = 0
    lifetime_points: int = 0
    lifetime_spend: Decimal = Decimal(0)
    orders_count: int = 0
    last_order_at: AwareDatetime | None = None
    points_redeemed: int = 0
    redemptions_count: int = 0


class RatedLine(Line):
    """A line with what of it counts for points, in the programme's currency."""

    eligible: Decimal = Decimal(0)


class RatedOrder(Order):
    """An order with the amount that counts for points (see `loyalty.eligibility`).

    `eligible` is in the programme's currency, at its scale. `extra` is the part of it that is
    no line's (tax, shipping or a tip, where the programme counts them); lines and extra add up
    to it exactly. `fx_rate` is what one unit of the order's currency was taken for.
    """

    lines: tuple[RatedLine, ...] = ()
    eligible: Decimal = Decimal(0)
    extra: Decimal = Decimal(0)
    fx_rate: Decimal = Decimal(1)


class RatedPayment(Payment):
    """A till payment with the amount that counts for points, in the programme's currency."""

    eligible: Decimal = Decimal(0)
    fx_rate: Decimal = Decimal(1)


class Result(Frozen):
    """What the books say after the event was counted; for texts and records, not for awards."""

    points: int = 0
    balance: int = 0
    lifetime_points: int = 0
    tier: str = ""
