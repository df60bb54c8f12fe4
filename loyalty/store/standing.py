"""What members contributed by local day, the marks they reached, and whose tier has run out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.expiry import first_instant
from loyalty.occasions import zone_of
from loyalty.policies import TierPlan
from loyalty.standing import Reached, Share, first_day
from loyalty.store.bulk import insert_rows
from loyalty.store.tables import milestones_reached

_SALES = """
select member_id, cast(occurred_at at time zone :zone as date) as day,
       {net} as net, {gross} as gross
from sales where member_id = any(:ids) and occurred_at >= :since and version <> ''
group by 1, 2
"""

_CONTRIBUTIONS = {
    "spend": text(_SALES.format(net="sum(spend)", gross="sum(spend_gross)")),
    "order_count": text(_SALES.format(net="count(*) filter (where is_counted)", gross="count(*)")),
    "earned_points": text("""
        with recursive family as (
            select id, id as holder from members where id = any(:ids)
            union
            select m.id, f.holder from members m join family f on m.merged_into = f.id
        ),
        books as (
            select id from family
            union
            select g.target_id from merges g join family f on f.id = g.source_id
        )
        select f.holder as member_id, cast(e.counts_at at time zone :zone as date) as day,
               sum(e.points) as net,
               coalesce(sum(e.points) filter (where e.kind = 'earn'), 0) as gross
        from entries e join family f on f.id = coalesce(e.origin_id, e.member_id)
        where e.member_id in (select id from books) and e.counts_at >= :since group by 1, 2
    """),
}


async def contributions(
    connection: AsyncConnection,
    ids: Sequence[UUID],
    plan: TierPlan,
    *,
    zone: str,
    now: datetime,
) -> dict[UUID, dict[date, Share]]:
    """What the members contributed to a plan's metric, as far back as it may count.

    Nothing for a plan over a lifetime: the members' own counters say it.
    """
    found: dict[UUID, dict[date, Share]] = {one: {} for one in ids}
    if not ids or plan.window == "lifetime":
        return found
    since = first_instant(first_day(plan, now, zone_of(zone, "UTC")), zone_of(zone, "UTC"))
    rows = await connection.execute(
        _CONTRIBUTIONS[plan.metric], {"ids": list(ids), "zone": zone, "since": since}
    )
    for row in rows:
        found[row.member_id][row.day] = Share(Decimal(row.net), Decimal(row.gross))
    return found


_DUE = text("""
select id from members where tier_until <= :now and state = 'enrolled'
order by id limit :limit for update skip locked
""")


async def due(connection: AsyncConnection, *, now: datetime, limit: int) -> list[UUID]:
    """Members whose tier ends by now, locked; those that somebody works on are left to them."""
    return list((await connection.execute(_DUE, {"now": now, "limit": limit})).scalars())


_REACHED = text("select * from milestones_reached where member_id = any(:ids)")

ReachedMarks = dict[UUID, dict[str, dict[Decimal, Reached]]]
"""By member, milestone and mark."""


async def reached(connection: AsyncConnection, ids: Sequence[UUID]) -> ReachedMarks:
    """The marks that the members have reached."""
    found: ReachedMarks = {}
    if not ids:
        return found
    for row in await connection.execute(_REACHED, {"ids": list(ids)}):
        marks = found.setdefault(row.member_id, {}).setdefault(row.milestone, {})
        marks[row.mark] = Reached(points=row.points, times=row.times, stands=row.stands)
    return found


async def save_reached(
    connection: AsyncConnection,
    changed: Sequence[tuple[UUID, str, Decimal, Reached]],
    *,
    now: datetime,
) -> None:
    """Writes marks that were reached or lost."""
    rows: list[dict[str, Any]] = [
        {
            "member_id": member_id,
            "milestone": milestone,
            "mark": mark,
            "times": one.times,
            "points": one.points,
            "stands": one.stands,
            "reached_at": now,
        }
        for member_id, milestone, mark, one in changed
    ]
    await insert_rows(
        connection,
        milestones_reached,
        rows,
        tail="on conflict (member_id, milestone, mark) do update set times = excluded.times,"
        " points = excluded.points, stands = excluded.stands, reached_at = excluded.reached_at",
    )
