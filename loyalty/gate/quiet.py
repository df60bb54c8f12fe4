"""Quiet hours, days off and holidays, on the clock of the person's wall.

Whether an instant is quiet is what the wall clock says at that instant, so both passes of an hour
that comes twice count, and an hour that is skipped does not exist. The end of a wait is the very
first instant that is not quiet.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from loyalty.messaging_policy import QuietHours

_MIDNIGHT = time()
_DAYS_AHEAD = 400


def is_quiet(at: datetime, hours: QuietHours, zone: ZoneInfo, *, days_off: bool = True) -> bool:
    """Whether nobody may be written to at an instant.

    Args:
        days_off: Whether weekdays and holidays without messages count as well.
    """
    local = at.astimezone(zone)
    if days_off and (local.isoweekday() in hours.no_weekdays or local.date() in hours.holidays):
        return True
    begins, ends = hours.begins, hours.ends
    if begins is None or ends is None:
        return False
    wall = local.time()
    if begins < ends:
        return begins <= wall < ends
    return wall >= begins or wall < ends


def awake_at(
    at: datetime, hours: QuietHours, zone: ZoneInfo, *, days_off: bool = True
) -> datetime | None:
    """The first instant, from `at` on, at which the person may be written to.

    Returns:
        `at` itself where it is not quiet; None where nothing is found within a year.
    """
    if not is_quiet(at, hours, zone, days_off=days_off):
        return at
    first = at.astimezone(zone).date()
    turns = {_MIDNIGHT} | ({hours.ends} if hours.ends is not None else set())
    for ahead in range(_DAYS_AHEAD):
        day = first + timedelta(days=ahead)
        for instant in sorted(found for wall in turns for found in _instants(day, wall, zone)):
            if instant > at and not is_quiet(instant, hours, zone, days_off=days_off):
                return instant
    return None


def _instants(day: date, wall: time, zone: ZoneInfo) -> Iterator[datetime]:
    """Every instant at which the wall clock shows this, or jumps over it."""
    earlier, later = (
        datetime.combine(day, wall.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1)
    )
    if earlier <= later:
        yield earlier
        yield later
        return
    yield _jump(later, earlier, zone)


def _jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The instant between two others at which the clock is put forward."""
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
