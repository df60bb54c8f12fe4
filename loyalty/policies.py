"""What operations choose about the books, one small document per question.

The words and defaults are those of the acceptance scenarios' header; amounts are Decimals in
major units, points are whole numbers of the programme's smallest unit.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from loyalty.events import Frozen
from loyalty.money import Amount

Rounding = Literal["floor", "ceil", "half_up", "half_even"]
Period = Literal["day", "iso_week", "month", "year", "ever"]
Whose = Literal["program", "member"]
"""Whose time zone counts: the programme's, or the member's own where it is known."""


class ExpiryPolicy(Frozen):
    """How long points live. An instant of expiry is the first at which they are gone.

    `days` and `months` count from the day of earning (or of release, with `from: available`),
    month ends clamped; `inactivity_months` lapses the whole balance so long after the last
    activity; `calendar` lapses everything unspent after one day of each year. Points that were
    earned while there was no expiry begin their time when it is switched on (`since`).
    """

    model_config = ConfigDict(populate_by_name=True)

    mode: Literal["none", "days", "months", "inactivity_months", "calendar"] = "none"
    n: int | None = Field(None, ge=1, le=36_500, description="So many days or months.")
    boundary: Literal["end_of_local_day", "end_of_month"] = "end_of_local_day"
    begins: Literal["earned", "available"] = Field("earned", alias="from")
    month: int | None = Field(None, ge=1, le=12)
    day: int | None = Field(None, ge=1, le=31)
    activity: tuple[Literal["earn", "redeem"], ...] = ("earn", "redeem")

    @model_validator(mode="after")
    def _says_how_long(self) -> ExpiryPolicy:
        if self.mode in ("days", "months", "inactivity_months") and self.n is None:
            raise ValueError(f"expiry by {self.mode} needs `n`")
        if self.mode == "calendar" and (self.month is None or self.day is None):
            raise ValueError("expiry by calendar needs `month` and `day`")
        return self


class RefundPolicy(Frozen):
    """What a refund takes back, and what happens when the points are gone already.

    `allow` lets the balance go below zero, later earnings pay; `clamp` takes what other lots
    have and writes the rest off; `own_lot_only` takes from the order's own points alone.
    """

    method: Literal["cumulative", "none"] = "cumulative"
    negative: Literal["allow", "clamp", "own_lot_only"] = "allow"


class RewardPolicy(Frozen):
    """When points that were spent come back: never, or when the order they were used on is
    refunded whole (or cancelled). Points whose day has passed meanwhile live for
    `grace_days` more, counted from the refund."""

    return_on: Literal["never", "full_refund"] = "never"
    grace_days: int = Field(0, ge=0, le=3650)


class TierLevel(Frozen):
    """A tier: reached at so much of the metric, multiplies what is earned from then on."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    at: Amount = Field(ge=0, description="Of the plan's metric.")
    factor: Amount = Field(Decimal(1), gt=0)
    entry_bonus: int = Field(0, ge=0, description="Points, once, on reaching it.")


class TierPlan(Frozen):
    """Which metric over which window makes a tier, and how long it stays.

    `calendar_year` with `valid_through: end_of_next_year` keeps a tier won in one year to the
    end of the next, `downgrade_grace_days` longer. With `refund_downgrades` a refund that
    brings the metric below the line lowers the tier at once; without, only time does.
    """

    metric: Literal["spend", "earned_points", "order_count"] = "spend"
    window: Literal["lifetime", "calendar_year", "rolling_months"] = "lifetime"
    months: int | None = Field(None, ge=1, le=240)
    upgrade: Literal["after_order"] = "after_order"
    valid_through: Literal["window", "end_of_year", "end_of_next_year"] = "window"
    downgrade_grace_days: int = Field(0, ge=0, le=3650)
    refund_downgrades: bool = False
    levels: Annotated[tuple[TierLevel, ...], Field(min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _rises(self) -> TierPlan:
        marks = [level.at for level in self.levels]
        if marks != sorted(set(marks)):
            raise ValueError("the levels have to rise, each at a higher mark than the one before")
        if len({level.name for level in self.levels}) != len(self.levels):
            raise ValueError("two levels have the same name")
        if self.window == "rolling_months" and self.months is None:
            raise ValueError("a rolling window needs `months`")
        return self


class MilestonePlan(Frozen):
    """A mark of a member's counter: crossed once (`at`) or again and again (`every`).

    `points` are booked with the event that crosses it; a rule on `milestone.reached` can do
    more. With `claw_back` they are taken back when a refund brings the counter below the mark.
    `once: false` pays at every crossing.
    """

    id: Annotated[str, Field(min_length=1, max_length=100)]
    metric: Literal["spend", "order_count", "earned_points"] = "earned_points"
    at: Amount | None = Field(None, gt=0)
    every: Amount | None = Field(None, gt=0)
    points: int = Field(0, ge=0)
    once: bool = True
    claw_back: bool = False

    @model_validator(mode="after")
    def _has_a_mark(self) -> MilestonePlan:
        if (self.at is None) == (self.every is None):
            raise ValueError("a milestone has either `at` or `every`")
        return self

    def marks_up_to(self, value: Decimal) -> list[Decimal]:
        """The marks that a counter of this value has passed, lowest first."""
        if self.at is not None:
            return [self.at] if value >= self.at else []
        assert self.every is not None
        return [n * self.every for n in range(1, int(max(value, Decimal(0)) // self.every) + 1)]

    def marks_between(self, before: Decimal, after: Decimal) -> list[Decimal]:
        """The marks crossed on the way up, lowest first."""
        if self.at is not None:
            return [self.at] if before < self.at <= after else []
        assert self.every is not None
        first = int(max(before, Decimal(0)) // self.every) + 1
        last = int(max(after, Decimal(0)) // self.every)
        return [n * self.every for n in range(first, last + 1)]


class Cap(Frozen):
    """At most so many points from orders per member and period; the period is that of the
    order's own time, however late it arrives."""

    id: Annotated[str, Field(min_length=1, max_length=100)]
    period: Period = "ever"
    zone: Whose = "program"
    points: int = Field(ge=0)


class AdjustPolicy(Frozen):
    """Guards on points that people give and take: `refuse` never goes below zero, and above
    `approval_above` points a second person has to agree."""

    negative: Literal["allow", "refuse"] = "refuse"
    approval_above: int | None = Field(None, ge=0)


class OfflinePolicy(Frozen):
    """What tills may spend without a line to the hub, and what happens when it was too much."""

    max_points: int = Field(0, ge=0, description="Of one redemption; 0 allows none.")
    on_sync_short: Literal["accept_as_debt", "refuse"] = "refuse"


class OccasionPolicy(Frozen):
    """A yearly day: in whose zone it begins, and when 29 February falls in other years."""

    zone: Whose = "program"
    leap: Literal["feb28", "mar1"] = "feb28"


class BirthdayPolicy(OccasionPolicy):
    """Guards against birthdays that move: told so many days ahead, and so many days apart."""

    min_lead_days: int = Field(0, ge=0, le=366)
    min_gap_days: int = Field(0, ge=0, le=366)


class ReportPolicy(Frozen):
    """What a point costs, and how many of those outstanding are expected to be spent."""

    cost_per_point: Amount = Field(Decimal("0.01"), ge=0)
    expected_redemption: Amount = Field(Decimal(1), ge=0, le=1)
