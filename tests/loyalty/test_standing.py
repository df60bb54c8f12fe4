"""Tiers at an instant, periods of limits, and rates of a day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty.fx import rate_on
from loyalty.limits import Counter, Meters, Room, Use, bucket_of, grant
from loyalty.policies import Period, TierPlan
from loyalty.programme import Programme
from loyalty.standing import Cause, Share, standing

BERLIN = ZoneInfo("Europe/Berlin")
LEVELS = [{"name": "bronze", "at": "0"}, {"name": "gold", "at": "1000"}]


def plan(**more: Any) -> TierPlan:
    """Bronze and gold, by spend."""
    return TierPlan.model_validate({"levels": LEVELS, **more})


YEARLY = plan(
    window="calendar_year", valid_through="end_of_next_year", downgrade_grace_days=30
)  # fmt: skip
ROLLING = plan(window="rolling_months", months=1)
WON = {date(2025, 6, 1): Share(Decimal(1000), Decimal(1000))}
REFUNDED = {date(2025, 6, 1): Share(Decimal(0), Decimal(1000))}


@pytest.mark.parametrize(
    ("tiers", "spent", "cause", "at", "tier"),
    [
        pytest.param(YEARLY, WON, "time", "2027-01-30T23:59:59", "gold", id="in the last grace"),
        pytest.param(YEARLY, WON, "time", "2027-01-31T00:00:00", "bronze", id="after the grace"),
        pytest.param(YEARLY, REFUNDED, "loss", "2025-07-01T00:00:00", "gold", id="only time does"),
        pytest.param(
            plan(window="calendar_year", refund_downgrades=True),
            REFUNDED,
            "loss",
            "2025-07-01T00:00:00",
            "bronze",
            id="a refund may",
        ),
        pytest.param(ROLLING, WON, "time", "2025-07-01T23:59:59", "gold", id="the whole last day"),
        pytest.param(ROLLING, WON, "time", "2025-07-02T00:00:00", "bronze", id="a month is over"),
        pytest.param(
            ROLLING,
            {date(2025, 1, 31): Share(Decimal(1000), Decimal(1000))},
            "time",
            "2025-02-28T23:59:59",
            "gold",
            id="month end clamped",
        ),
        pytest.param(plan(), {}, "gain", "2025-06-01T00:00:00", "gold", id="a gain lowers nothing"),
    ],
)
def test_the_tier_at_an_instant(
    tiers: TierPlan, spent: dict[date, Share], cause: Cause, at: str, tier: str
) -> None:
    now = datetime.fromisoformat(at).replace(tzinfo=BERLIN)
    found = standing(tiers, spent, current="gold", cause=cause, now=now, zone=BERLIN)
    assert found.tier == tier
    assert found.until is None or found.until > now


def test_a_tier_knows_when_it_ends() -> None:
    now = datetime(2025, 6, 1, 12, tzinfo=BERLIN)
    found = standing(YEARLY, WON, current="bronze", cause="gain", now=now, zone=BERLIN)
    assert found.until == datetime(2027, 1, 30, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "zone", "bucket"),
    [
        ("day", "Europe/Berlin", "2026-01-12"),
        ("day", "America/New_York", "2026-01-11"),
        ("iso_week", "Europe/Berlin", "2026-W03"),
        ("iso_week", "UTC", "2026-W02"),
        ("month", "UTC", "2026-01"),
        ("year", "UTC", "2026"),
        ("ever", "UTC", "ever"),
    ],
)
def test_a_period_turns_at_local_midnight(period: Period, zone: str, bucket: str) -> None:
    assert bucket_of(period, zone, datetime(2026, 1, 11, 23, tzinfo=UTC)) == bucket


COUNTER = Counter("launch", "", "ever")


@pytest.mark.parametrize(
    ("kind", "left", "on_short", "granted"),
    [
        ("points", 250, "partial", 100),
        ("points", 50, "partial", 50),
        ("points", 50, "skip", 0),
        ("points", -5, "partial", 0),
        ("times", 1, "partial", 100),
        ("times", 0, "partial", 0),
    ],
)
def test_no_more_is_granted_than_there_is_room(
    kind: Any, left: int, on_short: Any, granted: int
) -> None:
    found, by = grant(100, [Room(COUNTER, "rule", kind, 250, left, on_short)])
    assert (found, by) == (granted, "" if granted == 100 else "launch")


def test_room_is_used_and_given_back() -> None:
    meters = Meters({COUNTER: Use(points=100)})
    room = Room(COUNTER, "rule", "points", 250, left=150)
    for granted, left in ((120, 30), (40, 110), (0, 150)):
        meters.settle(room, granted)
        assert meters.left(COUNTER, "points", 250) == left
    assert meters.changed == {COUNTER}


@pytest.mark.parametrize(
    ("day", "rate"),
    [(4, None), (5, "1.0850"), (12, "1.0850"), (13, None), (20, "1.2000"), (31, None)],
)
def test_a_day_without_a_rate_takes_that_of_the_week_before(day: int, rate: str | None) -> None:
    known = {"EUR": {"2026-01-05": "1.0850", "2026-01-20": "1.2000"}}
    programme = Programme.model_validate({"currency": "USD", "fx": known})
    found = rate_on(programme, "eur", datetime(2026, 1, day, 10, tzinfo=UTC))
    assert found == (None if rate is None else Decimal(rate))


def test_the_programmes_own_currency_is_worth_itself() -> None:
    assert rate_on(Programme(currency="USD"), "USD", datetime(2026, 1, 1, tzinfo=UTC)) == 1
