"""Who recommended whom, what it earned, and what a person of the team decided about it."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from loyalty.events.base import Frozen, Key, Text
from loyalty.events.people import Customer

Side = Literal["referrer", "friend"]


class ReferralAttached(Frozen):
    """Somebody came by a member's link; `customer` is who signs up through it."""

    code: Key
    customer: Customer | None = None


class ReferralEarned(Frozen):
    """One side of a recommendation has its reward; it can be spent from `available_at` on."""

    member_id: Key
    friend_id: Key
    side: Side
    points: int = Field(gt=0, description="In the programme's smallest unit.")
    available_at: AwareDatetime


class ReferralCancelled(Frozen):
    """What made the recommendation count was given back before the reward could be spent."""

    member_id: Key
    friend_id: Key
    side: Side
    reason: Text = ""


class ReferralDecided(Frozen):
    """A person of the team looked at a recommendation that was held."""

    member_id: Key = Field(description="The friend, whose recommendation it is about.")
    approved: bool
    by: Text
    reason: Text = ""
