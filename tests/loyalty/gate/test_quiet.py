"""No message leaves inside quiet hours where the person lives, whatever the clocks do there."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loyalty.gate import awake_at, is_quiet, judge
from loyalty.messaging_policy import QuietHours
from tests.loyalty.gate.asked import agreed, message, programme

ZONES = st.sampled_from(
    [
        "UTC", "Europe/Paris", "Europe/London", "America/New_York", "America/Chicago",
        "America/St_Johns", "America/Sao_Paulo", "America/Santiago", "America/Havana",
        "Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "Asia/Gaza", "Asia/Kolkata",
        "Asia/Kathmandu", "Asia/Tehran", "Australia/Lord_Howe", "Australia/Sydney",
        "Pacific/Apia", "Pacific/Auckland", "Pacific/Chatham", "Antarctica/Troll",
    ]
)  # fmt: skip
INSTANTS = st.integers(1_322_697_600, 2_051_222_400).map(
    lambda one: datetime.fromtimestamp(one, UTC)
)
MINUTES = st.integers(0, 24 * 60 - 1).map(lambda one: time(one // 60, one % 60))
HOURS = st.builds(
    lambda begins, ends, weekdays, days: QuietHours(
        begins=begins,
        ends=ends if ends != begins else time((begins.hour + 9) % 24, begins.minute),
        no_weekdays=tuple(weekdays),
        holidays=tuple(days),
    ),
    MINUTES,
    MINUTES,
    st.sets(st.integers(1, 7), max_size=6),
    st.sets(st.dates(date(2025, 1, 1), date(2027, 1, 1)), max_size=3),
)
NIGHT = QuietHours(begins=time(22), ends=time(8))
TILL_HALF_PAST_TWO = QuietHours(begins=time(21), ends=time(2, 30))


@settings(max_examples=150, deadline=None)
@given(at=INSTANTS, hours=HOURS, name=ZONES, days_off=st.booleans())
@example(datetime(2026, 3, 29, 0, 30, tzinfo=UTC), TILL_HALF_PAST_TWO, "Europe/Paris", True)
@example(datetime(2026, 10, 25, 0, 45, tzinfo=UTC), TILL_HALF_PAST_TWO, "Europe/Paris", True)
@example(datetime(2011, 12, 30, 9, 0, tzinfo=UTC), NIGHT, "Pacific/Apia", True)
def test_the_end_of_a_wait_is_the_first_instant_that_is_not_quiet(
    at: datetime, hours: QuietHours, name: str, days_off: bool
) -> None:
    zone = ZoneInfo(name)
    found = awake_at(at, hours, zone, days_off=days_off)
    assert found is not None
    assert found >= at
    assert not is_quiet(found, hours, zone, days_off=days_off)
    if found > at:
        assert is_quiet(at, hours, zone, days_off=days_off)
        step = max((found - at) / 97, timedelta(seconds=1))
        before = [at + step * number for number in range(97)] + [found - timedelta(seconds=1)]
        awake = [one for one in before if one < found and not is_quiet(
            one, hours, zone, days_off=days_off)]  # fmt: skip
        assert awake == []


@settings(max_examples=100, deadline=None)
@given(at=INSTANTS, hours=HOURS, name=ZONES)
def test_nothing_that_the_gate_lets_go_leaves_in_quiet_hours(
    at: datetime, hours: QuietHours, name: str
) -> None:
    terms = programme(quiet_hours={"sms": hours})
    verdict = judge(message("sms", zone=name), agreed("sms"), terms, now=at)
    goes_at = at if verdict.outcome == "send" else verdict.send_at
    assert verdict.may_go
    assert goes_at is not None
    assert not is_quiet(goes_at, hours, ZoneInfo(name))


@pytest.mark.parametrize(
    ("zone", "at", "goes_at"),
    [
        pytest.param("Europe/Paris", "2026-03-28T23:00Z", "2026-03-29T01:00Z",
                     id="half past two is skipped: at three, which comes at once after two"),
        pytest.param("Europe/Paris", "2026-10-24T23:00Z", "2026-10-25T00:30Z",
                     id="half past two comes twice: the first counts"),
        pytest.param("Europe/Paris", "2026-10-25T01:15Z", "2026-10-25T01:30Z",
                     id="a quarter past two comes again and is quiet again"),
        pytest.param("Australia/Lord_Howe", "2026-10-03T12:00Z", "2026-10-03T15:30Z",
                     id="a clock that jumps by half an hour"),
    ],
)  # fmt: skip
def test_clock_changes_are_exact(zone: str, at: str, goes_at: str) -> None:
    found = awake_at(_instant(at), TILL_HALF_PAST_TWO, ZoneInfo(zone))
    assert found == _instant(goes_at)


def test_a_day_that_a_country_left_out_is_no_day_to_wait_for() -> None:
    """Samoa went from 29 to 31 December 2011."""
    hours = QuietHours(begins=time(22), ends=time(8), holidays=(date(2011, 12, 30),))
    evening = datetime(2011, 12, 29, 23, tzinfo=ZoneInfo("Pacific/Apia"))
    found = awake_at(evening, hours, ZoneInfo("Pacific/Apia"))
    assert found is not None
    assert found.astimezone(ZoneInfo("Pacific/Apia")).isoformat() == "2011-12-31T08:00:00+14:00"


@pytest.mark.parametrize(
    "refused",
    [
        {"from": "22:00"},
        {"from": "08:00", "to": "08:00"},
        {"no_weekdays": [0]},
        {"no_weekdays": [1, 2, 3, 4, 5, 6, 7]},
        {"from": "22:00+01:00", "to": "08:00"},
    ],
)
def test_quiet_hours_that_mean_nothing_are_refused(refused: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        QuietHours.model_validate(refused)


def test_quiet_hours_for_years_are_no_time_at_all() -> None:
    every_day = tuple(date(2026, 1, 1) + timedelta(days=one) for one in range(420))
    hours = QuietHours(holidays=every_day)
    assert awake_at(datetime(2026, 1, 1, 12, tzinfo=UTC), hours, ZoneInfo("UTC")) is None


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
