"""Where a member stands: the tier at an instant, and the marks that were crossed. Pure.

A tier follows from what a member contributed, by local day. Net amounts (after refunds) lift;
what holds a tier is the net amount too where refunds may lower it at once, and else the gross,
so that only time does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from loyalty.expiry import add_months, first_instant, local_day
from loyalty.policies import MilestonePlan, TierPlan

NOTHING = Decimal(0)
EVER = date.min
"""The day under which everything is counted where the window is a lifetime."""

Cause = Literal["gain", "loss", "time"]
"""Why a member's tier is looked at: something was earned, something was taken back, or neither."""


@dataclass(slots=True)
class Share:
    """What a member contributed on one day."""

    net: Decimal = NOTHING
    gross: Decimal = NOTHING


Contributions = Mapping[date, Share]


@dataclass(frozen=True, slots=True)
class Standing:
    """A tier, and the instant at which it ends unless something comes; None where none does."""

    tier: str
    until: datetime | None = None


def standing(
    plan: TierPlan,
    contributions: Contributions,
    *,
    current: str,
    cause: Cause,
    now: datetime,
    zone: ZoneInfo,
) -> Standing:
    """The tier a member is in from now on.

    Args:
        plan: The programme's tiers.
        contributions: By local day, `EVER` for a lifetime: see `first_day` for how far back.
        current: The tier so far. A gain never lowers it; a loss does where refunds may.
        cause: Why it is looked at.
        now: The instant asked for.
        zone: The programme's.
    """
    window = _Window(plan, contributions, now, zone)
    lifted = window.level(now, is_gross=False)
    so_far = level_named(plan, current)
    by_gross = not plan.refund_downgrades
    if cause == "gain":
        level = max(lifted, so_far)
    elif by_gross:
        held = so_far if cause == "loss" else min(so_far, window.level(now, is_gross=True))
        level = max(lifted, held)
    else:
        level = lifted
    until = window.until(level, is_gross=by_gross)
    if level > lifted and until is not None and until <= now:
        until = window.as_if_reached_now()
    return Standing(plan.levels[level].name if level >= 0 else "", until)


def appointed(plan: TierPlan, tier: str, *, now: datetime, zone: ZoneInfo) -> Standing:
    """A tier that somebody is put into: it lasts as if it had been reached now."""
    return Standing(tier, _Window(plan, {}, now, zone).as_if_reached_now())


def level_named(plan: TierPlan, tier: str) -> int:
    """The place of a tier among the levels; -1 for none."""
    return next((at for at, level in enumerate(plan.levels) if level.name == tier), -1)


def first_day(plan: TierPlan, now: datetime, zone: ZoneInfo) -> date:
    """The earliest local day whose contributions may still count."""
    today = local_day(now, zone) - timedelta(days=plan.downgrade_grace_days)
    if plan.window == "lifetime":
        return EVER
    if plan.window == "calendar_year":
        return date(today.year - _years_kept(plan), 1, 1)
    assert plan.months is not None
    return add_months(today, -plan.months) - timedelta(days=31)


def _years_kept(plan: TierPlan) -> int:
    return 1 if plan.valid_through == "end_of_next_year" else 0


_begins = lru_cache(maxsize=4096)(first_instant)
"""The same few days begin for all members."""


@dataclass(slots=True)
class _Window:
    plan: TierPlan
    contributions: Contributions
    now: datetime
    zone: ZoneInfo
    _known: dict[bool, list[tuple[int, datetime]]] = field(default_factory=dict)

    def level(self, at: datetime, *, is_gross: bool) -> int:
        """The highest level that holds at an instant, one in its days of grace included."""
        return max([level for level, until in self._spells(is_gross) if until > at], default=-1)

    def until(self, level: int, *, is_gross: bool) -> datetime | None:
        """When this level ends; None where it does not."""
        if self.plan.window == "lifetime" or level < 0 or not self.plan.levels[level].at:
            return None
        ends = [until for found, until in self._spells(is_gross) if found >= level]
        return max(ends, default=self.now)

    def as_if_reached_now(self) -> datetime | None:
        if self.plan.window == "lifetime":
            return None
        return self._graced(self._end(local_day(self.now, self.zone)))

    def _spells(self, is_gross: bool) -> list[tuple[int, datetime]]:
        """(level, until when it holds): one for each state that the window went or goes through."""
        if is_gross not in self._known:
            self._known[is_gross] = list(self._reckoned(is_gross))
        return self._known[is_gross]

    def _reckoned(self, is_gross: bool) -> Iterator[tuple[int, datetime]]:
        base = self._level_of(NOTHING)
        yield base, datetime.max.replace(tzinfo=self.now.tzinfo)
        parts = [
            (day, share.gross if is_gross else share.net)
            for day, share in self.contributions.items()
        ]
        if self.plan.window == "lifetime":
            total = sum((amount for _, amount in parts), NOTHING)
            yield self._level_of(total), datetime.max.replace(tzinfo=self.now.tzinfo)
            return
        by_end: dict[datetime, Decimal] = {}
        for day, amount in parts:
            end = self._end(day)
            by_end[end] = by_end.get(end, NOTHING) + amount
        if self.plan.window == "calendar_year":
            for end, amount in by_end.items():
                yield self._level_of(amount), self._graced(end)
            return
        for end in by_end:
            last = local_day(end, self.zone)
            there = [amount for day, amount in parts if self._end(day) >= end and day < last]
            yield self._level_of(sum(there, NOTHING)), self._graced(end)

    def _level_of(self, amount: Decimal) -> int:
        reached = [at for at, level in enumerate(self.plan.levels) if amount >= level.at]
        return reached[-1] if reached else -1

    def _end(self, day: date) -> datetime:
        """The first instant at which what was contributed on a day does not count any more."""
        if self.plan.window == "calendar_year":
            return _begins(date(day.year + _years_kept(self.plan) + 1, 1, 1), self.zone)
        assert self.plan.months is not None
        return _begins(add_months(day, self.plan.months) + timedelta(days=1), self.zone)

    def _graced(self, end: datetime) -> datetime:
        days = self.plan.downgrade_grace_days
        if not days:
            return end
        return first_instant(local_day(end, self.zone) + timedelta(days=days), self.zone)


@dataclass(slots=True)
class Reached:
    """A mark that a member has reached, and the points it brought."""

    points: int = 0
    times: int = 0
    stands: bool = True


def newly_reached(
    plan: MilestonePlan, before: Decimal, after: Decimal, known: Mapping[Decimal, Reached]
) -> list[Decimal]:
    """The marks crossed on the way up that count: the first time, or again where that pays."""
    marks = plan.marks_between(before, after)
    if not plan.once:
        return marks
    return [mark for mark in marks if mark not in known or not known[mark].stands]


def lost_again(
    plan: MilestonePlan, after: Decimal, known: Mapping[Decimal, Reached]
) -> list[Decimal]:
    """The marks that stand and that the counter has fallen below, where they are taken back."""
    if not plan.claw_back:
        return []
    return sorted(mark for mark, one in known.items() if one.stands and after < mark)
