"""Points spent, set aside, given and taken by people."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from loyalty.events.base import Frozen, Key, Text
from loyalty.events.people import Customer
from loyalty.money import Amount

Points = Annotated[int, Field(gt=0, le=1_000_000_000)]
"""A number of points in the programme's smallest unit (see `Programme.unit_scale`)."""


class Redemption(Frozen):
    """Points spent on a reward. `id` names the request, so that it is spent once."""

    id: Key
    points: Points
    reward: Text = ""
    used_on: Key | None = Field(None, description="The id of the order the reward was used on.")
    is_offline: bool = Field(False, description="Taken by a till without a line to the hub.")
    customer: Customer | None = None


class Hold(Frozen):
    """Points set aside while somebody is at the checkout. `id` names the hold."""

    id: Key
    points: Points
    reward: Text = ""
    customer: Customer | None = None


class HoldEnd(Frozen):
    """A hold was captured (the reward was used) or released (the basket was left)."""

    hold_id: Key
    used_on: Key | None = Field(None, description="For a capture: the order it was used on.")
    customer: Customer | None = None


class Adjustment(Frozen):
    """Points given or taken by a person of the team."""

    id: Key
    points: int = Field(ge=-1_000_000_000, le=1_000_000_000)
    reason: Text = ""
    by: Text = Field("", description="Who of the team asks for it.")
    expires_days: int | None = Field(None, ge=0, le=36_500)
    is_qualifying: bool = Field(False, description="Whether it counts towards tiers.")
    customer: Customer | None = None


class AdjustmentApproval(Frozen):
    """A second person agrees to an adjustment that needs it."""

    adjustment_id: Key
    by: Text


class RewardRequest(Frozen):
    """A member wants a reward of the catalogue. `id` names the request, so that it counts once."""

    id: Key
    member_id: Key
    item: Key = Field(description="The id of the catalogue's item.")
    amount: Amount | None = Field(
        None, gt=0, description="What the member chose, where the amount is theirs to choose."
    )


class RewardStep(Frozen):
    """What became of a reward: issued, failed, used, expired or voided."""

    reward_id: Key
    member_id: Key
    item: Key
    title: Text = ""
    points: int = Field(0, ge=0)
    order_id: Key | None = Field(None, description="Where it was used: the order's id.")
    reason: Text = ""
    by: Text = Field("", description="Who of the team did it.")
    gives_back: bool = Field(False, description="Whether the points come back.")
