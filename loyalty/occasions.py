"""Whose yearly day it is: joining anniversaries and birthdays, asked for an instant.

The question is "who is due at T", never "it is midnight now": a job that runs late, twice or
after an outage finds the same people.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

HOUR = time(9, 0)
"""The local hour from which a yearly day is celebrated: nobody wants a text at midnight."""


def zone_of(name: str, fallback: str) -> ZoneInfo:
    """The person's zone, or the programme's where theirs is not known."""
    for candidate in (name, fallback):
        try:
            return ZoneInfo(candidate)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue  # `Europe` is a folder of the zone files, and no zone
    return ZoneInfo("UTC")


def in_year(day: date, year: int) -> date:
    """The yearly day in a year; of 29 February in a common year, 28 February."""
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def due_years(day: date, zone: ZoneInfo, *, now: datetime, back: timedelta) -> Iterator[int]:
    """The local years whose yearly day began (at nine, local time) within `back` before now."""
    today = now.astimezone(zone).date()
    for year in (today.year - 1, today.year):
        starts = datetime.combine(in_year(day, year), HOUR, zone).astimezone(UTC)
        if year > day.year and now - back < starts <= now:
            yield year
