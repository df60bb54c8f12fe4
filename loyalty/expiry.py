"""When points expire: instants from a policy, exact to the second in the programme's zone.

An instant of expiry is the first at which the points are gone. Days are whole local days: what
is earned on D with `days: 30` is usable through the whole of D+30, whatever the clocks do.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from loyalty.policies import ExpiryPolicy

_DAY = timedelta(days=1)


def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which a local day begins, also where its midnight is skipped."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day of an instant in the zone."""
    return instant.astimezone(zone).date()


def add_months(day: date, months: int) -> date:
    """The same day so many months later; the month's last day where it has no such day."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def last_day(policy: ExpiryPolicy, day: date) -> date | None:
    """The last local day on which points can be used whose time begins on `day`."""
    if policy.mode == "none":
        return None
    if policy.mode == "calendar":
        return _next_calendar_day(policy, day)
    assert policy.n is not None
    last = day + policy.n * _DAY if policy.mode == "days" else add_months(day, policy.n)
    if policy.boundary == "end_of_month":
        return last.replace(day=monthrange(last.year, last.month)[1])
    return last


def _next_calendar_day(policy: ExpiryPolicy, day: date) -> date:
    assert policy.month is not None
    assert policy.day is not None
    for year in (day.year, day.year + 1):
        last = date(year, policy.month, min(policy.day, monthrange(year, policy.month)[1]))
        if last >= day:
            return last
    raise AssertionError("the day of next year lies after every day of this one")


@lru_cache(maxsize=4096)
def _gone_at(policy: ExpiryPolicy, day: date, zone: ZoneInfo) -> datetime | None:
    last = last_day(policy, day)
    return None if last is None else first_instant(last + _DAY, zone)


def gone_at(policy: ExpiryPolicy, begins: datetime, zone: ZoneInfo) -> datetime | None:
    """When points are gone whose time begins at an instant; None where they never are."""
    return _gone_at(policy, local_day(begins, zone), zone)


def end_of_local_day(instant: datetime, zone: ZoneInfo, *, days: int = 0) -> datetime:
    """The first instant after the local day that lies `days` after that of the instant."""
    return first_instant(local_day(instant, zone) + (days + 1) * _DAY, zone)


def expires_at(
    policy: ExpiryPolicy, zone: ZoneInfo, *, earned_at: datetime, available_at: datetime
) -> datetime | None:
    """The day of their own that points are given when they are earned, to be kept with the lot.

    None where the policy has none, or has one that activity moves (`inactivity_months`).
    """
    if policy.mode in ("none", "inactivity_months"):
        return None
    return gone_at(policy, _beginning(policy, earned_at, available_at), zone)


def effective_expiry(
    policy: ExpiryPolicy,
    zone: ZoneInfo,
    *,
    earned_at: datetime,
    available_at: datetime,
    since: datetime | None,
) -> datetime | None:
    """When points without a day of their own expire under a policy that came later.

    The time begins at the earliest when the policy came into force (`since`), so that switching
    expiry on takes nothing that day. Not for `inactivity_months`: see `lapses_at`.
    """
    begins = _beginning(policy, earned_at, available_at)
    return gone_at(policy, begins if since is None else max(begins, since), zone)


def lapses_at(
    policy: ExpiryPolicy,
    zone: ZoneInfo,
    *,
    last_activity: datetime | None,
    since: datetime | None,
) -> datetime | None:
    """When a whole balance lapses after `inactivity_months`; None where nothing ever happened."""
    known = [one for one in (last_activity, since) if one is not None]
    return gone_at(policy, max(known), zone) if known else None


def _beginning(policy: ExpiryPolicy, earned_at: datetime, available_at: datetime) -> datetime:
    return available_at if policy.begins == "available" else earned_at
