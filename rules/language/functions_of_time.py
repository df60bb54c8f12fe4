"""The functions of instants and dates. A day is always a day in some zone.

A zone that is left out is the programme's, and `now` is when the event happened: the clock of the
machine is never asked, so that a replay gives what the first run gave. Somebody born on
29 February has a birthday in every year, and the rule says on which day of a common year.
Zones are those of the IANA (https://docs.python.org/3/library/zoneinfo.html).
"""

from __future__ import annotations

import zoneinfo
from calendar import isleap
from datetime import date, datetime
from functools import lru_cache
from importlib import resources
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict

from rules.language.arithmetic import QUOTIENT, Number
from rules.language.errors import suggest
from rules.language.functions import CheckedLiteral, FunctionFailed, Usual, function

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
LeapDay = Literal["feb28", "mar1"]

_WEEKDAYS: tuple[Weekday, ...] = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip


class LocalTime(BaseModel):
    """An instant as the calendar and the clocks of a zone show it."""

    model_config = ConfigDict(frozen=True)

    date: date
    year: int
    month: int
    day: int
    weekday: Weekday
    hour: int
    minute: int

    def __str__(self) -> str:
        return f"{self.weekday} {self.date.isoformat()} {self.hour:02}:{self.minute:02}"


@lru_cache(maxsize=1024)
def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name) if name else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        # An OSError comes of names such as "Europe", which is a folder of zones.
        return None


def _no_zone(name: str) -> str:
    return f"there is no time zone {name[:64]!r}: use an IANA name such as 'Europe/Berlin'"


def _zone_problem(name: str) -> str:
    if _zone(name):
        return ""
    return f"{_no_zone(name)}. {suggest(name, _known_zones())}".removesuffix(". ")


@lru_cache(maxsize=1)
def _known_zones() -> tuple[str, ...]:
    return tuple(resources.files("tzdata").joinpath("zones").read_text().split())


Zone = Annotated[str, CheckedLiteral(_zone_problem), Usual("programme.zone")]
Now = Annotated[datetime, Usual("event.time")]


def _local(instant: datetime, zone: str) -> datetime:
    found = _zone(zone)
    if found is None:
        raise FunctionFailed(_no_zone(zone))
    try:
        return instant.astimezone(found)
    except (OverflowError, ValueError):
        raise FunctionFailed("the instant is outside the calendar") from None


@function(
    "The instant on the calendar and the clocks of a zone, with the fields `date`, `year`, "
    "`month`, `day`, `weekday`, `hour` and `minute`: name it with `let` to ask for several."
)
def local(instant: datetime, zone: Zone) -> LocalTime:
    there = _local(instant, zone)
    return LocalTime.model_construct(
        date=there.date(),
        year=there.year,
        month=there.month,
        day=there.day,
        weekday=_WEEKDAYS[there.weekday()],
        hour=there.hour,
        minute=there.minute,
    )


@function("The date of an instant in a zone.")
def date_of(instant: datetime, zone: Zone) -> date:
    return _local(instant, zone).date()


@function("The calendar year of an instant in a zone.")
def year_of(instant: datetime, zone: Zone) -> Number:
    return _local(instant, zone).year


@function("The year of a date.", name="year_of", can_fail=False)
def year_of_date(day: date) -> Number:
    return day.year


@function("The month from 1 to 12 of an instant in a zone.")
def month(instant: datetime, zone: Zone) -> Number:
    return _local(instant, zone).month


@function("The month of a date.", name="month", can_fail=False)
def month_of_date(day: date) -> Number:
    return day.month


@function("The day of the month, from 1 to 31, of an instant in a zone.")
def day_of_month(instant: datetime, zone: Zone) -> Number:
    return _local(instant, zone).day


@function("Of a date.", name="day_of_month", can_fail=False)
def day_of_month_of_date(day: date) -> Number:
    return day.day


@function("The day of the week of an instant in a zone: monday … sunday.")
def weekday(instant: datetime, zone: Zone) -> Weekday:
    return _WEEKDAYS[_local(instant, zone).weekday()]


@function("Of a date.", name="weekday", can_fail=False)
def weekday_of_date(day: date) -> Weekday:
    return _WEEKDAYS[day.weekday()]


@function("The hour from 0 to 23 of an instant on the clocks of a zone.")
def hour(instant: datetime, zone: Zone) -> Number:
    return _local(instant, zone).hour


@function("The minute from 0 to 59 of an instant on the clocks of a zone.")
def minute(instant: datetime, zone: Zone) -> Number:
    return _local(instant, zone).minute


@function(
    "The calendar days from the first date to the second; negative if that is earlier.",
    can_fail=False,
)
def days_between(first: date, second: date) -> Number:
    return (second - first).days


@function("For instants, by the dates they have in the zone.", name="days_between")
def days_between_instants(first: datetime, second: datetime, zone: Zone) -> Number:
    return (_local(second, zone).date() - _local(first, zone).date()).days


@function(
    "The hours that pass from the first instant to the second, with decimals; negative if that "
    "is earlier. A day on which the clocks change has 23 or 25."
)
def hours_between(first: datetime, second: datetime) -> Number:
    passed = second - first
    micros = (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds
    return QUOTIENT.divide(micros, 3_600_000_000)


@function("The calendar days from a date until now, by the date that it is now in the zone.")
def days_since(then: date, now: Now, zone: Zone) -> Number:
    return (_local(now, zone).date() - then).days


@function("From an instant, by the dates in the zone.", name="days_since")
def days_since_instant(then: datetime, now: Now, zone: Zone) -> Number:
    return days_between_instants(then, now, zone)


def _in_year(day: date, year: int, leap_day: LeapDay) -> date:
    if leap_day not in get_args(LeapDay):
        raise FunctionFailed('29 February is "feb28" or "mar1" in other years')
    if (day.month, day.day) == (2, 29) and not isleap(year):
        return date(year, 2, 28) if leap_day == "feb28" else date(year, 3, 1)
    return day.replace(year=year)


@function(
    "The same day in another year. In a common year, that of 29 February is 28 February "
    'with "feb28" and 1 March with "mar1".'
)
def anniversary(day: date, year: Number, leap_day: LeapDay) -> date:
    if year != int(year) or not 1 <= year <= 9999:
        raise FunctionFailed("the year is a whole number from 1 to 9999")
    return _in_year(day, int(year), leap_day)


@function(
    "Whether it is the day's anniversary now, in the zone, a year or more after it; for "
    "29 February as with `anniversary`."
)
def is_anniversary(day: date, leap_day: LeapDay, now: Now, zone: Zone) -> bool:
    today = _local(now, zone).date()
    return today.year > day.year and _in_year(day, today.year, leap_day) == today


@function("Whether it is the birthday now, in the zone; for 29 February as with `anniversary`.")
def is_birthday(birthday: date, leap_day: LeapDay, now: Now, zone: Zone) -> bool:
    return is_anniversary(birthday, leap_day, now, zone)


@function(
    "The full years since the day, by the date that it is now in the zone; negative before it. "
    "For 29 February as with `anniversary`."
)
def years_since(day: date, leap_day: LeapDay, now: Now, zone: Zone) -> Number:
    today = _local(now, zone).date()
    return today.year - day.year - (today < _in_year(day, today.year, leap_day))


@function("The age in years now, in the zone; for 29 February as with `anniversary`.")
def age(birthday: date, leap_day: LeapDay, now: Now, zone: Zone) -> Number:
    return years_since(birthday, leap_day, now, zone)
