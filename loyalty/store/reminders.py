"""Who may have to hear that points expire, and who has heard it.

A cut in SQL over all members, exact but for what only the books know; who was reminded already
is left out, so that looking every hour costs little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.expiry import first_instant, gone_at, local_day
from loyalty.policies import ExpiryPolicy
from loyalty.reminders import Due
from loyalty.store.bulk import insert_rows
from loyalty.store.calendar import FIRST
from loyalty.store.tables import expiry_reminders

# The day of points without one of their own: that of the policy they live under, or so many
# months after the member's last activity.
_DUE = """
with near as (
    select l.member_id, l.earned_at, coalesce(
        ((l.expires_at - interval '1 microsecond') at time zone :zone)::date,
        cast(:late_day as date),
        case when cast(:months as integer) is not null then (
            select case when :by_month
                then (date_trunc('month', q.day) + interval '1 month - 1 day')::date
                else q.day::date end
            from (select (greatest(m.last_activity_at, cast(:since as timestamptz))
                          at time zone :zone)::date
                         + make_interval(months => cast(:months as integer)) as day) q) end
    ) as last_day
    from lots l join members m on m.id = l.member_id
    where l.remaining > l.held and m.state = 'enrolled' and m.id > :beyond
      and (l.expires_at is null or (l.expires_at > :now and l.expires_at <= :until))
),
due as (
    select n.member_id, n.last_day, n.earned_at, (
        select min(d) from unnest(cast(:days as integer[])) as d
        where d >= n.last_day - cast(:today as date)) as days
    from near n where n.last_day >= cast(:today as date)
),
found as (
    select distinct d.member_id from due d
    where d.days is not null
      and d.earned_at < ((d.last_day - d.days)::timestamp at time zone :zone)
      and not exists (
          select 1 from expiry_reminders r
          where r.member_id = d.member_id and r.last_day = d.last_day and r.days = d.days)
)
"""
_CANDIDATES = text(f"{_DUE} select member_id from found order by member_id limit :limit")  # noqa: S608
_COUNT = text(f"{_DUE} select count(*) from found")  # noqa: S608


@dataclass(frozen=True, slots=True)
class Question:
    """Who has to be reminded at an instant, and of what.

    Attributes:
        days: How long before the last usable day people are reminded.
        since: When the present expiry came into force.
    """

    policy: ExpiryPolicy
    days: tuple[int, ...]
    zone: ZoneInfo
    since: datetime | None
    now: datetime


async def candidates(
    connection: AsyncConnection, asked: Question, *, beyond: UUID, limit: int
) -> list[UUID]:
    """Members with a reminder due that they were not given, in the order of their ids.

    Args:
        beyond: Only those with a greater id: the last one of the batch before.
    """
    if not asked.days:
        return []
    rows = await connection.execute(
        _CANDIDATES, {**_wanted(asked), "beyond": beyond, "limit": limit}
    )
    return list(rows.scalars())


async def count(connection: AsyncConnection, asked: Question) -> int:
    """How many members have a reminder due that they were not given."""
    if not asked.days:
        return 0
    found = await connection.execute(_COUNT, {**_wanted(asked), "beyond": FIRST})
    return int(found.scalar_one())


def _wanted(asked: Question) -> dict[str, Any]:
    policy, zone = asked.policy, asked.zone
    today = local_day(asked.now, zone)
    is_quiet = policy.mode == "inactivity_months"
    return {
        "zone": zone.key,
        "today": today,
        "now": asked.now,
        "until": first_instant(today + timedelta(days=max(asked.days) + 1), zone),
        "days": list(asked.days),
        "late_day": None if is_quiet else _day_of_late_ones(policy, zone, asked.since),
        "months": policy.n if is_quiet else None,
        "by_month": policy.boundary == "end_of_month",
        "since": asked.since,
    }


def _day_of_late_ones(policy: ExpiryPolicy, zone: ZoneInfo, since: datetime | None) -> Any:
    """The last day of points that were earned before there was an expiry."""
    gone = gone_at(policy, since, zone) if since is not None else None
    return None if gone is None else local_day(gone - timedelta(microseconds=1), zone)


async def note(
    connection: AsyncConnection, found: Sequence[tuple[UUID, Due]], *, now: datetime
) -> set[tuple[UUID, Due]]:
    """Notes reminders; returns those that nobody has given before."""
    rows = [
        {
            "member_id": member_id,
            "last_day": one.last_day,
            "days": one.days,
            "points": one.points,
            "reminded_at": now,
        }
        for member_id, one in found
    ]
    tail = "on conflict do nothing returning member_id, last_day, days, points"
    new = await insert_rows(connection, expiry_reminders, rows, tail=tail)
    return {(row.member_id, Due(row.last_day, row.days, row.points)) for row in new}
