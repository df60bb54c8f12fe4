"""When a rule is in force: from and until an instant, on days and hours of somebody's clock."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, BeforeValidator, Field, model_validator

from loyalty.events import Frozen
from rules.fields import as_list

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_HOURS = re.compile(r"\s*(\d{1,2}:\d{2})\s*(?:-|–|to)\s*(\d{1,2}:\d{2})\s*")


def _as_days(value: object) -> object:
    value = as_list(value)
    if not isinstance(value, (list, tuple)):
        return value
    return tuple(_as_day(one) for one in value)


def _as_day(value: object) -> object:
    """Monday is 1, as ISO 8601 counts; names may be shortened to three letters."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 7:
        return WEEKDAYS[value - 1]
    word = str(value).strip().lower()
    found = [day for day in WEEKDAYS if word in (day, day[:3])]
    if not found:
        raise ValueError(f"`{str(value)[:40]}` is no day: write monday … sunday, or 1 … 7")
    return found[0]


Days = Annotated[tuple[str, ...], Field(max_length=7), BeforeValidator(_as_days)]


class Hours(Frozen):
    """From one time of day to before another, by the clock on the wall.

    Where `to` is not after `from`, the time passes midnight, and what comes after midnight
    belongs to the day on which it began.
    """

    since: time = Field(alias="from")
    to: time

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        found = _HOURS.fullmatch(value)
        if not found:
            raise ValueError(f"`{value[:40]}` are no hours: write them as 22:00-02:00")
        given = [part.zfill(5) for part in found.groups()]
        return {"from": given[0], "to": "00:00" if given[1] == "24:00" else given[1]}

    @model_validator(mode="after")
    def _is_some_time(self) -> Hours:
        if self.since.tzinfo or self.to.tzinfo:
            raise ValueError("hours have no zone of their own: set `zone` beside them")
        if self.since == self.to:
            raise ValueError("the hours begin and end at the same time: leave them out")
        return self

    @property
    def passes_midnight(self) -> bool:
        """Whether they end on the day after."""
        return self.to <= self.since

    def has(self, clock: time) -> bool:
        """Whether the clock on the wall shows a time within them."""
        if self.passes_midnight:
            return clock >= self.since or clock < self.to
        return self.since <= clock < self.to


class Window(Frozen):
    """The times at which a rule is in force; an empty one is always open."""

    starts: AwareDatetime | None = None
    ends: AwareDatetime | None = None
    days: Days = ()
    hours: Hours | None = None

    def shut_by(self, instant: datetime, zone: str) -> str:
        """What keeps the rule out of force at an instant: starts, ends, days or hours; ""
        where nothing does.

        Args:
            instant: When the event happened.
            zone: The IANA zone on whose clocks days and hours are read.
        """
        if self.starts and instant < self.starts:
            return "starts"
        if self.ends and instant >= self.ends:
            return "ends"
        if not self.days and self.hours is None:
            return ""
        local = instant.astimezone(zone_named(zone))
        if self.hours is not None and not self.hours.has(local.time()):
            return "hours"
        day = local.date()
        if self.hours is not None and self.hours.passes_midnight and local.time() < self.hours.to:
            day -= timedelta(days=1)
        return "days" if self.days and WEEKDAYS[day.weekday()] not in self.days else ""

    @property
    def is_open(self) -> bool:
        """Whether it says nothing at all."""
        return not (self.starts or self.ends or self.days or self.hours)

    def may_overlap(self, other: Window) -> bool:
        """Whether some instant may lie in both, as far as dates and days can tell."""
        if self.starts and other.ends and other.ends <= self.starts:
            return False
        if other.starts and self.ends and self.ends <= other.starts:
            return False
        return not (self.days and other.days and not set(self.days) & set(other.days))


def resolved_zone(zone: str, *, programme: str, member: str) -> str:
    """The IANA zone that `program`, `member` or a name stands for; a member without a (real)
    zone has the programme's."""
    if zone == "member":
        return member if member and _known(member) else programme
    return programme if zone == "program" else zone


@lru_cache(maxsize=1024)
def _known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@lru_cache(maxsize=1024)
def zone_named(zone: str) -> Any:
    """The zone of a name; UTC where the programme's own is none, as the books have it."""
    return ZoneInfo(zone) if _known(zone) else ZoneInfo("UTC")
