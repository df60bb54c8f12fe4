"""What a recommendation is worth, when it counts, and what makes one doubtful."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, model_validator

from loyalty.events import Frozen
from loyalty.money import Amount

Trait = Literal["email", "phone", "address", "payment", "device", "ip"]


class ReferralPolicy(Frozen):
    """The terms of recommending a friend. Points are in the programme's smallest unit.

    E-mail and telephone say that two accounts are one person: such a recommendation is blocked.
    Address, payment, device and network (`ip`) are shared in families and offices as well: those
    recommendations are held until a person has looked at them.
    """

    referrer_points: int = Field(0, ge=0, description="For the member who recommends.")
    friend_points: int = Field(0, ge=0, description="For the friend.")
    reward_on: Literal["sign_up", "first_order"] = "first_order"
    min_order: Amount = Field(
        Decimal(0), ge=0, description="What of the order has to count for points."
    )
    hold_days: int = Field(
        14, ge=0, le=3650, description="The return window: nothing can be spent before it is over."
    )
    window_days: int | None = Field(
        90, ge=1, le=3650, description="The order has to come so many days after the sign-up."
    )
    identity: tuple[Trait, ...] = ("email", "phone", "address", "payment", "device", "ip")
    per_network: int = Field(
        3, ge=1, description="So many friends of one network in a day are held for a look."
    )
    per_referrer: int | None = Field(
        None, ge=1, description="Beyond so many friends in 30 days, more are held for a look."
    )

    @model_validator(mode="after")
    def _rewards_somebody(self) -> ReferralPolicy:
        if not (self.referrer_points or self.friend_points):
            raise ValueError("a referral gives `referrer_points`, `friend_points`, or both")
        return self
