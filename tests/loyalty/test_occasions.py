"""Yearly days: the same people whenever, however late and however often one asks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.occasions import due_years, in_year, zone_of

DAY = timedelta(days=1)
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
    """The years that are due."""
    return list(due_years(day, ZoneInfo(zone), now=now, back=back))


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "years"),
    [
        ("2026-03-02 08:59:59", []),
        ("2026-03-02 09:00", [2026]),
        ("2026-03-03 08:59:59", [2026]),
        ("2026-03-03 09:00", []),
    ],
)
def test_a_day_is_due_from_nine_in_the_morning_on(now: str, years: list[int]) -> None:
    assert due(date(2020, 3, 2), "UTC", at(now)) == years


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("Pacific/Kiritimati", "2026-03-01 19:00"),
        ("Europe/Berlin", "2026-03-02 08:00"),
        ("Pacific/Pago_Pago", "2026-03-02 20:00"),
    ],
)
def test_nine_in_the_morning_is_where_the_member_lives(zone: str, first: str) -> None:
    assert due(date(2020, 3, 2), zone, at(first)) == [2026]
    assert due(date(2020, 3, 2), zone, at(first) - timedelta(seconds=1)) == []


@pytest.mark.parametrize(("day", "hour"), [("2026-03-28", 8), ("2026-03-29", 7)])
def test_the_hour_follows_summer_time(day: str, hour: int) -> None:
    joined = date.fromisoformat(day).replace(year=2020)
    assert due(joined, "Europe/Berlin", at(f"{day} {hour:02}:00")) == [2026]
    assert due(joined, "Europe/Berlin", at(f"{day} {hour:02}:00") - timedelta(seconds=1)) == []


@pytest.mark.parametrize(
    ("year", "day"), [(2025, "02-28"), (2028, "02-29"), (2000, "02-29"), (2100, "02-28")]
)
def test_the_29th_of_february_is_the_28th_in_a_common_year(year: int, day: str) -> None:
    assert in_year(date(1996, 2, 29), year) == date.fromisoformat(f"{year}-{day}")
    found = [
        day
        for day in range(1, 60)
        if due(date(1996, 2, 29), "UTC", datetime(year, 1, 1, 9, tzinfo=UTC) + day * DAY)
    ]
    assert len(found) == 1


def test_the_first_day_itself_is_no_anniversary() -> None:
    assert due(date(2026, 3, 2), "UTC", at("2026-03-02 10:00")) == []
    assert due(date(2027, 3, 2), "UTC", at("2026-03-02 10:00")) == []


def test_the_turn_of_the_year_belongs_to_the_right_year() -> None:
    assert due(date(2020, 12, 31), "UTC", at("2026-01-01 05:00")) == [2025]
    assert due(date(2020, 1, 1), "Pacific/Kiritimati", at("2025-12-31 20:00")) == [2026]
    assert due(date(2020, 12, 31), "Pacific/Pago_Pago", at("2026-01-01 10:00")) == [2025]


def test_after_an_outage_the_days_that_were_missed_are_found() -> None:
    now = at("2026-03-10 12:00")
    assert due(date(2020, 3, 2), "UTC", now) == []
    assert due(date(2020, 3, 2), "UTC", now, 10 * DAY) == [2026]


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
