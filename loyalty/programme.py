"""The programme: the settings that operations choose, in one document."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field

from loyalty.eligibility import EligibilityPolicy
from loyalty.events import Frozen


class TierStep(Frozen):
    """A tier, reached at a number of lifetime points."""

    name: str
    from_lifetime_points: int = Field(ge=0)
    factor: Decimal = Field(Decimal(1), gt=0, description="Multiplies what rules award.")


class MilestonePlan(Frozen):
    """A mark that repeats: every so many points earned, or every so many orders."""

    id: str
    counter: Literal["lifetime_points", "orders_count"] = "lifetime_points"
    every: int = Field(gt=0)

    def marks_between(self, before: int, after: int) -> list[int]:
        """The marks that were crossed on the way up, lowest first."""
        first = max(before, 0) // self.every + 1
        return [n * self.every for n in range(first, max(after, 0) // self.every + 1)]


class Programme(Frozen):
    """Everything the books and the planner need to know of the programme.

    `routes` says which connections serve a capability (`sms: [twilio/main]`), first choice
    first. A capability without a route is not an error: its deliveries wait for one.
    """

    name: str = "Loyalty"
    zone: str = Field("UTC", description="IANA zone of the programme's calendar.")
    currency: str = "EUR"
    enrols: Literal["everyone", "on_request"] = Field(
        "everyone", description="Whether a customer becomes a member by buying or signing up."
    )
    eligible: EligibilityPolicy = EligibilityPolicy()
    tiers: tuple[TierStep, ...] = ()
    milestones: tuple[MilestonePlan, ...] = ()
    routes: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    def tier_at(self, lifetime_points: int) -> TierStep | None:
        """The highest tier whose mark has been reached; None in a programme without tiers."""
        reached = [t for t in self.tiers if t.from_lifetime_points <= lifetime_points]
        return max(reached, key=lambda t: t.from_lifetime_points, default=None)
