"""What the hub itself finds: milestones, tiers, yearly days."""

from __future__ import annotations

from pydantic import Field

from loyalty.events.base import Frozen, Key, Text


class Milestone(Frozen):
    """A member's counter crossed a mark of the programme."""

    member_id: Key
    milestone: Key
    mark: int = Field(description="The value that was crossed, e.g. 500.")


class TierChange(Frozen):
    """A member moved between tiers."""

    member_id: Key
    before: Text
    after: Text


class Occasion(Frozen):
    """A member's yearly day: joining anniversary or birthday."""

    member_id: Key
    year: int = Field(description="The local calendar year of the occasion.")
    years: int = Field(description="How many years since the first day.")
