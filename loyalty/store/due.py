"""For whom time has brought something that is not written down yet: expiries, debts paid.

A rough cut in SQL, as small as an index allows; the books make it exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.expiry import add_months, first_instant, local_day
from loyalty.policies import ExpiryPolicy


@dataclass(slots=True)
class Place:
    """How far a walk over the members has come; it may be begun again anywhere."""

    beyond: UUID


_DUE = text("""
select id from (
    select member_id as id from lots
    where remaining > held and expires_at <= :now
    union
    select member_id from lots
    where remaining > held and expires_at is null
      and cast(:began as timestamptz) is not null
      and case when :by_release then greatest(earned_at, available_at) else earned_at end < :began
    union
    select m.id from members m join lots l on l.member_id = m.id
    where m.points <> 0 and l.remaining > l.held and l.expires_at is null
      and cast(:quiet as timestamptz) is not null
      and (m.last_activity_at is null or m.last_activity_at < :quiet)
    union
    select d.member_id from debts d join lots l on l.member_id = d.member_id
    where d.remaining > 0 and l.remaining > l.held and l.available_at <= :now
) as due
where id > :beyond order by id limit :limit
""")


async def due_members(
    connection: AsyncConnection,
    policy: ExpiryPolicy,
    *,
    zone: ZoneInfo,
    since: datetime | None,
    now: datetime,
    beyond: UUID,
    limit: int,
) -> Sequence[UUID]:
    """Members whose books may have to be written on, in the order of their ids.

    Args:
        since: When the present expiry came into force.
        beyond: Only those with a greater id: the last one of the batch before.
    """
    began = _began_before(policy, zone, now)
    if since is not None and began is not None and since >= began:
        began = None
    is_quiet = policy.mode == "inactivity_months"
    rows = await connection.execute(
        _DUE,
        {
            "now": now,
            "began": None if is_quiet else began,
            "quiet": began if is_quiet else None,
            "by_release": policy.begins == "available",
            "beyond": beyond,
            "limit": limit,
        },
    )
    return list(rows.scalars())


def _began_before(policy: ExpiryPolicy, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Points without a day of their own can only have expired if they began before this."""
    today = local_day(now, zone)
    match policy.mode:
        case "none":
            return None
        case "calendar":
            return now.astimezone(UTC)
        case "days":
            assert policy.n is not None
            first = today - timedelta(days=policy.n)
        case "months" | "inactivity_months":
            assert policy.n is not None
            # Month ends are clamped: the 28th of February may have been the 31st of January.
            first = add_months(today, -policy.n) + timedelta(days=4)
    return first_instant(first, zone)
