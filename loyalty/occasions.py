"""Whose yearly day it is: joining anniversaries and birthdays, asked for a stretch of time.

The question is "who came due since the last look", never "it is midnight now": a job that runs
late, twice or after an outage finds the same people. The day begins at local midnight, then its
points are booked; what is said about it waits for a decent hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from loyalty.policies import BirthdayPolicy, OccasionPolicy

HOUR = time(9, 0)
"""The local hour from which a yearly day is spoken of: nobody wants a text at midnight."""


@lru_cache(maxsize=1024)
def known_zone(name: str) -> ZoneInfo | None:
    """The zone of this name; None where there is none, as of `Europe`, a folder of zones."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def zone_of(name: str, fallback: str) -> ZoneInfo:
    """The person's zone, or the programme's where theirs is not known."""
    return known_zone(name) or known_zone(fallback) or ZoneInfo("UTC")


def zone_for(policy: OccasionPolicy, *, member: str, programme: str) -> ZoneInfo:
    """In whose zone the day begins: the programme's, or the member's where that is known."""
    return zone_of(member if policy.zone == "member" else "", programme)


def in_year(day: date, year: int, policy: OccasionPolicy) -> date:
    """The yearly day in a year; of 29 February in a common year, the day the policy names."""
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28) if policy.leap == "feb28" else date(year, 3, 1)


def begins(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day, also where the clock jumps over midnight or has it twice.

    With `fold=0` a wall time that does not exist is read by the offset before the jump, and one
    that comes twice is its first.
    """
    return datetime.combine(day, time(), zone).astimezone(UTC)


def speaks_at(day: date, zone: ZoneInfo) -> datetime:
    """When a message about the day may go at the earliest."""
    return datetime.combine(day, HOUR, zone).astimezone(UTC)


def came_due(
    day: date, zone: ZoneInfo, policy: OccasionPolicy, *, after: datetime, until: datetime
) -> Iterator[tuple[int, datetime]]:
    """The years whose yearly day began after one instant and not later than another.

    Yields:
        (year, the instant at which the day began); the first day itself is none.
    """
    first = after.astimezone(zone).year
    for year in range(first, until.astimezone(zone).year + 1):
        starts = begins(in_year(day, year, policy), zone)
        if year > day.year and after < starts <= until:
            yield year, starts


def may_be_paid(
    policy: BirthdayPolicy,
    *,
    starts: datetime,
    told_at: datetime | None,
    paid_at: datetime | None,
) -> bool:
    """Whether a birthday counts: it was told early enough, and the last was long enough ago."""
    if told_at is not None and starts - told_at < timedelta(days=policy.min_lead_days):
        return False
    return paid_at is None or starts - paid_at >= timedelta(days=policy.min_gap_days)
