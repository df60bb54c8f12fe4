"""Who has to hear that points expire, asked at any instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.expiry import end_of_local_day, local_day
from loyalty.reminders import Due, Expiring, due_reminders

BERLIN = ZoneInfo("Europe/Berlin")
SANTIAGO = ZoneInfo("America/Santiago")
"""Its clocks jump at midnight: some days begin at one o'clock."""

EARNED = datetime(2026, 1, 5, 10, tzinfo=UTC)


def expiring(points: int, last: date, zone: ZoneInfo = BERLIN, at: datetime = EARNED) -> Expiring:
    noon = datetime(last.year, last.month, last.day, 12, tzinfo=zone)
    return Expiring(points, end_of_local_day(noon, zone), at)


def due(*found: Expiring, now: datetime, days: tuple[int, ...] = (7, 1)) -> list[Due]:
    return due_reminders(found, days, now=now, zone=BERLIN)


LAST = date(2026, 3, 31)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 3, 23, 23, 59, 59, tzinfo=BERLIN), []),
        (datetime(2026, 3, 24, tzinfo=BERLIN), [7]),
        (datetime(2026, 3, 27, 12, tzinfo=BERLIN), [7]),
        (datetime(2026, 3, 30, tzinfo=BERLIN), [1]),
        (datetime(2026, 3, 31, 23, 59, tzinfo=BERLIN), [1]),
        (datetime(2026, 4, 1, tzinfo=BERLIN), []),
    ],
)
def test_the_nearest_reminder_whose_day_has_come(now: datetime, expected: list[int]) -> None:
    """Clocks go forward on 29 March between the two."""
    found = due(expiring(80, LAST), now=now)
    assert [one.days for one in found] == expected


def test_points_of_one_day_are_one_reminder() -> None:
    now = datetime(2026, 3, 30, 9, tzinfo=BERLIN)
    other = LAST + timedelta(days=1)
    found = due(expiring(80, LAST), expiring(20, LAST), expiring(5, other), now=now)
    assert found == [Due(LAST, 1, 100), Due(other, 7, 5)]


def test_what_is_earned_near_its_end_is_no_news() -> None:
    now = datetime(2026, 3, 27, 9, tzinfo=BERLIN)
    assert due(expiring(80, LAST, at=now - timedelta(hours=1)), now=now) == []
    later = datetime(2026, 3, 30, 9, tzinfo=BERLIN)
    assert due(expiring(80, LAST, at=now), now=later) == [Due(LAST, 1, 80)]


def test_nothing_left_is_nothing_to_say() -> None:
    now = datetime(2026, 3, 30, 9, tzinfo=BERLIN)
    assert due(expiring(0, LAST), now=now) == []
    assert due(expiring(9, LAST), now=now, days=()) == []


@given(
    st.integers(0, 400),
    st.lists(st.integers(0, 40), max_size=4, unique=True),
    st.integers(0, 60 * 24 * 45),
    st.sampled_from([BERLIN, SANTIAGO, ZoneInfo("Asia/Kathmandu")]),
)
def test_each_last_day_has_one_reminder_and_never_a_late_one(
    day: int, days: list[int], minutes: int, zone: ZoneInfo
) -> None:
    last = date(2026, 2, 1) + timedelta(days=day)
    points = expiring(7, last, zone)
    now = points.gone_at - timedelta(minutes=minutes)
    found = due_reminders([points, points], days, now=now, zone=zone)
    assert len(found) <= 1
    for one in found:
        left = (last - local_day(now, zone)).days
        assert (one.last_day, one.points) == (last, 14)
        assert 0 <= left <= one.days
        assert one.days == min(known for known in days if known >= left)
