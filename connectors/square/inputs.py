"""What the connector's own loyalty actions take."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from connectors.kit.action import Payload
from connectors.kit.capabilities import Whom

Name = Annotated[str, Field(min_length=1, max_length=192)]
OptionalName = Annotated[str, Field(max_length=192)]


class LoyaltyEnrolment(Payload):
    """Somebody joins the seller's loyalty programme: Square knows members by telephone."""

    phone: Annotated[str, Field(pattern=r"^\+[1-9]\d{6,14}$")]
    customer_id: OptionalName = ""


class PurchasePoints(Whom):
    """Points for a purchase: of an order of Square's, or a number worked out elsewhere."""

    order_id: OptionalName = ""
    points: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    location_id: OptionalName = Field("", description="Where it was bought; else the account's.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.order_id) == (self.points is not None):
            raise ValueError("it names either an order or a number of points")
        return self


class RewardChoice(Whom):
    """A reward of the programme, for points of the account."""

    reward_tier_id: Name
    order_id: OptionalName = Field("", description="An open order that gets the discount.")


class RewardUse(Payload):
    """A reward that was made before is used up now."""

    reward_id: Name
    location_id: OptionalName = Field("", description="Where it was used; else the account's.")
