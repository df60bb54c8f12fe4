"""Instants of expiry: month ends, leap days, days that have 23 or 25 hours, calendars."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty import expiry
from loyalty.policies import ExpiryPolicy

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def policy(mode: str, **more: Any) -> ExpiryPolicy:
    """An expiry policy."""
    return ExpiryPolicy.model_validate({"mode": mode, **more})


def at(text: str) -> datetime:
    """An instant, written with its offset."""
    return datetime.fromisoformat(text)


ENDS = [
    # mode and size, zone, earned, gone
    (policy("days", n=30), "UTC", "2026-01-05T10:00:00Z", "2026-02-05T00:00:00Z"),
    (policy("days", n=30), "UTC", "2026-01-05T00:00:00Z", "2026-02-05T00:00:00Z"),
    (policy("days", n=30), "UTC", "2026-01-05T23:59:59.999999Z", "2026-02-05T00:00:00Z"),
    (policy("days", n=1), BERLIN, "2026-03-28T12:00:00+01:00", "2026-03-30T00:00:00+02:00"),
    (policy("days", n=1), BERLIN, "2026-10-24T12:00:00+02:00", "2026-10-26T00:00:00+01:00"),
    (policy("days", n=1), BERLIN, "2026-10-24T22:30:00Z", "2026-10-27T00:00:00+01:00"),
    (policy("days", n=1), NEW_YORK, "2026-03-07T12:00:00-05:00", "2026-03-09T00:00:00-04:00"),
    (policy("days", n=1), NEW_YORK, "2026-10-31T23:59:59-04:00", "2026-11-02T00:00:00-05:00"),
    (policy("days", n=1), "America/Sao_Paulo", "2018-11-02T12:00:00Z", "2018-11-04T03:00:00Z"),
    (policy("days", n=365), "UTC", "2024-02-29T12:00:00Z", "2025-03-01T00:00:00Z"),
    (policy("months", n=1), "UTC", "2026-01-31T12:00:00Z", "2026-03-01T00:00:00Z"),
    (policy("months", n=1), "UTC", "2028-01-31T12:00:00Z", "2028-03-01T00:00:00Z"),
    (policy("months", n=12), "UTC", "2024-02-29T12:00:00Z", "2025-03-01T00:00:00Z"),
    (policy("months", n=48), "UTC", "2024-02-29T12:00:00Z", "2028-03-01T00:00:00Z"),
    (policy("months", n=6), BERLIN, "2026-01-14T23:30:00Z", "2026-07-16T00:00:00+02:00"),
    (policy("months", n=1, boundary="end_of_month"), "UTC", "2026-01-05T10:00:00Z",
     "2026-03-01T00:00:00Z"),
    (policy("days", n=3, boundary="end_of_month"), "UTC", "2026-01-30T10:00:00Z",
     "2026-03-01T00:00:00Z"),
    (policy("months", n=11, boundary="end_of_month"), BERLIN, "2026-01-31T10:00:00Z",
     "2027-01-01T00:00:00+01:00"),
    (policy("calendar", month=1, day=31), "Europe/Rome", "2026-01-31T23:59:59+01:00",
     "2026-01-31T23:00:00Z"),
    (policy("calendar", month=1, day=31), "Europe/Rome", "2026-02-01T00:00:00+01:00",
     "2027-01-31T23:00:00Z"),
    (policy("calendar", month=2, day=29), "UTC", "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"),
    (policy("calendar", month=2, day=29), "UTC", "2027-12-01T00:00:00Z", "2028-03-01T00:00:00Z"),
    (policy("calendar", month=12, day=31), NEW_YORK, "2026-12-31T23:59:59-05:00",
     "2027-01-01T00:00:00-05:00"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "zone", "earned", "gone"), ENDS)
def test_points_live_through_whole_local_days(
    rule: ExpiryPolicy, zone: str, earned: str, gone: str
) -> None:
    earned_at = at(earned)
    found = expiry.expires_at(rule, ZoneInfo(zone), earned_at=earned_at, available_at=earned_at)
    assert found == at(gone)


@pytest.mark.parametrize("mode", [policy("none"), policy("inactivity_months", n=6)])
def test_some_points_have_no_day_of_their_own(mode: ExpiryPolicy) -> None:
    when = at("2026-01-05T10:00:00Z")
    assert expiry.expires_at(mode, ZoneInfo("UTC"), earned_at=when, available_at=when) is None


def test_the_time_may_begin_at_the_release() -> None:
    begins = {"earned_at": at("2026-01-05T10:00:00Z"), "available_at": at("2026-01-19T10:00:00Z")}
    later = policy("days", n=30, **{"from": "available"})
    assert expiry.expires_at(later, ZoneInfo("UTC"), **begins) == at("2026-02-19T00:00:00Z")
    sooner = policy("days", n=30)
    assert expiry.expires_at(sooner, ZoneInfo("UTC"), **begins) == at("2026-02-05T00:00:00Z")


@pytest.mark.parametrize(
    ("since", "gone"),
    [
        (None, "2024-02-01T00:00:00Z"),
        ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
        ("2023-01-01T00:00:00Z", "2024-02-01T00:00:00Z"),
    ],
)
def test_switching_expiry_on_is_not_retroactive(since: str | None, gone: str) -> None:
    found = expiry.effective_expiry(
        policy("days", n=30),
        ZoneInfo("UTC"),
        earned_at=at("2024-01-01T09:00:00Z"),
        available_at=at("2024-01-01T09:00:00Z"),
        since=at(since) if since else None,
    )
    assert found == at(gone)


@pytest.mark.parametrize(
    ("last", "since", "gone"),
    [
        ("2026-01-10T09:00:00Z", None, "2026-07-11T00:00:00Z"),
        ("2026-08-31T09:00:00Z", None, "2027-03-01T00:00:00Z"),
        ("2026-01-10T09:00:00Z", "2026-03-01T00:00:00Z", "2026-09-02T00:00:00Z"),
        (None, "2026-03-01T00:00:00Z", "2026-09-02T00:00:00Z"),
        (None, None, None),
    ],
)
def test_inactivity_counts_from_the_last_activity_or_the_switch(
    last: str | None, since: str | None, gone: str | None
) -> None:
    found = expiry.lapses_at(
        policy("inactivity_months", n=6),
        ZoneInfo("UTC"),
        last_activity=at(last) if last else None,
        since=at(since) if since else None,
    )
    assert found == (at(gone) if gone else None)


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, "Asia/Kathmandu", "Pacific/Apia", "UTC"])
def test_days_follow_each_other_without_gap_or_overlap(zone: str) -> None:
    """Every local day of two years begins at midnight, the last microsecond before is another."""
    where = ZoneInfo(zone)
    for number in range(730):
        day = date(2025, 6, 1) + timedelta(days=number)
        begins = expiry.first_instant(day, where)
        assert begins.tzinfo is UTC
        assert expiry.local_day(begins, where) == day
        before = begins - timedelta(microseconds=1)
        assert expiry.local_day(before, where) == day - timedelta(days=1)


def test_a_day_without_midnight_begins_when_its_first_hour_does() -> None:
    """Clocks went from 23:59 to 1:00 in São Paulo on 4 November 2018."""
    where = ZoneInfo("America/Sao_Paulo")
    begins = expiry.first_instant(date(2018, 11, 4), where)
    assert begins == at("2018-11-04T03:00:00Z")
    assert begins.astimezone(where).hour == 1


@pytest.mark.parametrize("months", range(0, 60, 7))
def test_months_end_where_the_month_ends(months: int) -> None:
    later = expiry.add_months(date(2023, 12, 31), months)
    assert (later.year * 12 + later.month) - (2023 * 12 + 12) == months
    assert (later + timedelta(days=1)).day == 1


def test_grace_ends_with_a_local_day() -> None:
    refunded = at("2026-03-28T23:30:00Z")
    assert expiry.end_of_local_day(refunded, ZoneInfo("UTC"), days=7) == at("2026-04-05T00:00:00Z")
    assert expiry.end_of_local_day(refunded, ZoneInfo(BERLIN)) == at("2026-03-29T22:00:00Z")
