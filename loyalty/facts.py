"""What the rules may know about a member at the moment of an event."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pydantic import AwareDatetime

from loyalty.events import Frozen, Order


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
    tier: str = ""
    tier_factor: Decimal = Decimal(1)
    points: int = 0
    lifetime_points: int = 0
    lifetime_spend: Decimal = Decimal(0)
    orders_count: int = 0


class RatedOrder(Order):
    """An order with the amount that counts for points (see `loyalty.eligibility`)."""

    eligible: Decimal = Decimal(0)


class Result(Frozen):
    """What the books say after the event was counted; for texts and records, not for awards."""

    points: int = 0
    balance: int = 0
    lifetime_points: int = 0
    tier: str = ""
