"""Yearly days: the same people whenever, however late and however often one asks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.occasions import begins, came_due, in_year, may_be_paid, speaks_at, zone_of
from loyalty.policies import BirthdayPolicy, OccasionPolicy

DAY = timedelta(days=1)
POLICY = OccasionPolicy()
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Pacific/Kiritimati",  # UTC+14
    "Pacific/Pago_Pago",  # UTC-11
    "America/Sao_Paulo",
]


def due(day: date, zone: str, now: datetime, back: timedelta = DAY) -> list[int]:
    """The years whose day began within a stretch before an instant."""
    found = came_due(day, ZoneInfo(zone), POLICY, after=now - back, until=now)
    return [year for year, _ in found]


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "years"),
    [
        ("2026-03-01 23:59:59", []),
        ("2026-03-02 00:00", [2026]),
        ("2026-03-02 23:59:59", [2026]),
        ("2026-03-03 00:00", []),
    ],
)
def test_a_day_is_due_from_midnight_on(now: str, years: list[int]) -> None:
    assert due(date(2020, 3, 2), "UTC", at(now)) == years


@pytest.mark.parametrize(
    ("zone", "first", "nine"),
    [
        ("Pacific/Kiritimati", "2026-03-01 10:00", "2026-03-01 19:00"),
        ("Europe/Berlin", "2026-03-01 23:00", "2026-03-02 08:00"),
        ("Pacific/Pago_Pago", "2026-03-02 11:00", "2026-03-02 20:00"),
    ],
)
def test_the_day_begins_and_is_spoken_of_where_the_zone_says(
    zone: str, first: str, nine: str
) -> None:
    assert due(date(2020, 3, 2), zone, at(first)) == [2026]
    assert due(date(2020, 3, 2), zone, at(first) - timedelta(seconds=1)) == []
    assert speaks_at(date(2026, 3, 2), ZoneInfo(zone)) == at(nine)


@pytest.mark.parametrize(
    ("zone", "day", "first"),
    [
        pytest.param("Europe/Berlin", "2026-03-29", "2026-03-28 23:00", id="the clock jumps later"),
        pytest.param("America/Sao_Paulo", "2018-11-04", "2018-11-04 03:00", id="over midnight"),
        pytest.param("America/Havana", "2024-11-03", "2024-11-03 04:00", id="midnight twice"),
        pytest.param("Pacific/Apia", "2011-12-30", "2011-12-30 10:00", id="no such day"),
    ],
)
def test_a_local_day_begins_at_its_first_instant(zone: str, day: str, first: str) -> None:
    assert begins(date.fromisoformat(day), ZoneInfo(zone)) == at(first)


@pytest.mark.parametrize(
    ("leap", "year", "day"),
    [
        ("feb28", 2025, "02-28"),
        ("mar1", 2025, "03-01"),
        ("feb28", 2028, "02-29"),
        ("mar1", 2028, "02-29"),
        ("feb28", 2100, "02-28"),
        ("mar1", 2100, "03-01"),
    ],
)
def test_the_29th_of_february_falls_where_the_policy_says(leap: str, year: int, day: str) -> None:
    policy = OccasionPolicy.model_validate({"leap": leap})
    assert in_year(date(1996, 2, 29), year, policy) == date.fromisoformat(f"{year}-{day}")


@pytest.mark.parametrize(
    ("told", "paid", "counts"),
    [
        (None, None, True),
        ("2026-02-13", None, True),
        ("2026-02-14", None, False),
        ("2026-03-16", None, False),
        (None, "2025-03-30", True),
        (None, "2025-03-31", False),
    ],
)
def test_a_birthday_counts_if_told_in_time_and_not_too_soon_again(
    told: str | None, paid: str | None, counts: bool
) -> None:
    found = may_be_paid(
        BirthdayPolicy(min_lead_days=30, min_gap_days=350),
        starts=at("2026-03-15"),
        told_at=at(told) if told else None,
        paid_at=at(paid) if paid else None,
    )
    assert found is counts


def test_the_first_day_itself_is_no_anniversary() -> None:
    assert due(date(2026, 3, 2), "UTC", at("2026-03-02 10:00")) == []
    assert due(date(2027, 3, 2), "UTC", at("2026-03-02 10:00")) == []


def test_the_turn_of_the_year_belongs_to_the_right_year() -> None:
    assert due(date(2020, 12, 31), "UTC", at("2025-12-31 23:00")) == [2025]
    assert due(date(2020, 1, 1), "Pacific/Kiritimati", at("2025-12-31 20:00")) == [2026]
    assert due(date(2020, 12, 31), "Pacific/Pago_Pago", at("2026-01-01 10:00")) == [2025]


def test_after_an_outage_the_days_that_were_missed_are_found() -> None:
    now = at("2026-03-10 12:00")
    assert due(date(2020, 3, 2), "UTC", now) == []
    assert due(date(2020, 3, 2), "UTC", now, 10 * DAY) == [2026]
    assert due(date(2020, 3, 2), "UTC", now, 800 * DAY) == [2024, 2025, 2026]


@given(
    day=st.dates(date(1930, 1, 1), date(2023, 12, 31)),
    zone=st.sampled_from(ZONES),
    minutes=st.integers(0, 3 * 365 * 24 * 60),
    hours=st.lists(st.integers(1, 24), min_size=60, max_size=60),
)
def test_runs_that_leave_no_gap_find_each_year_once(
    day: date, zone: str, minutes: int, hours: list[int]
) -> None:
    """Whatever the times of the runs: each looks back exactly to the one before."""
    begin = now = at("2024-01-01") + timedelta(minutes=minutes)
    found = []
    for step in hours:
        now += timedelta(hours=step)
        found += due(day, zone, now, timedelta(hours=step))
    assert found == due(day, zone, now, now - begin)
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("name", "fallback", "found"),
    [
        ("Europe/Berlin", "UTC", "Europe/Berlin"),
        ("", "Europe/Berlin", "Europe/Berlin"),
        ("Mars/Olympus", "Europe/Berlin", "Europe/Berlin"),
        ("../../etc/passwd", "Europe/Berlin", "Europe/Berlin"),
        ("Europe", "UTC", "UTC"),
        ("a\x00b", "UTC", "UTC"),
        ("Mars/Olympus", "Mars/Olympus", "UTC"),
    ],
)
def test_a_zone_that_is_not_known_is_the_programmes(name: str, fallback: str, found: str) -> None:
    assert zone_of(name, fallback).key == found
