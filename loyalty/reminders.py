"""Which reminders of points that expire are due: one for each day of expiry and distance to it.

The question is "who has to hear of it by now", never "it is midnight now": a job that runs late
says it late, twice says it once, and after an outage only the nearest reminder is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from loyalty.expiry import first_instant, local_day

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Expiring:
    """Points that are gone from an instant on.

    Attributes:
        earned_at: Whoever earns points that are near their end hears so when they earn them.
    """

    points: int
    gone_at: datetime
    earned_at: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """A reminder: so many points can be used through a day, and it is so many days before it."""

    last_day: date
    days: int
    points: int


def due_reminders(
    expiring: Iterable[Expiring], days: Sequence[int], *, now: datetime, zone: ZoneInfo
) -> list[Due]:
    """The reminders that are due at an instant, whether or not they were given already.

    Args:
        days: How long before the last usable day people are reminded.
        zone: In which the last usable day ends.
    """
    today = local_day(now, zone)
    points: dict[date, int] = {}
    earliest: dict[date, datetime] = {}
    for one in expiring:
        if one.points > 0 and one.gone_at > now:
            last = local_day(one.gone_at - _TICK, zone)
            points[last] = points.get(last, 0) + one.points
            earliest[last] = min(earliest.get(last, one.earned_at), one.earned_at)
    found = []
    for last in sorted(points):
        nearest = _nearest(days, (last - today).days)
        if nearest is None:
            continue
        if earliest[last] < first_instant(last - timedelta(days=nearest), zone):
            found.append(Due(last, nearest, points[last]))
    return found


def _nearest(days: Sequence[int], left: int) -> int | None:
    """The reminder nearest to the last day among those whose day has come."""
    return min((one for one in days if one >= left), default=None)
