"""Accounts that became one, or two again: what moves in the store besides the points.

Entries stay where they were posted. Sales move with the account they were made on, since tiers
follow them. A person has used up the limits of both accounts and reached the milestones of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store.bulk import insert_rows
from loyalty.store.database import dumps
from loyalty.store.tables import merges


@dataclass(frozen=True, slots=True)
class Merge:
    """An account that went into another and has not come out again."""

    key: str
    source_id: UUID
    target_id: UUID
    merged_at: datetime
    before: dict[str, Any]


_FAMILY = text("""
with recursive family as (
    select id from members where id = :id
    union
    select m.id from members m join family f on m.merged_into = f.id
)
select id from family
""")


async def family(connection: AsyncConnection, member_id: UUID) -> frozenset[UUID]:
    """The account and all that were merged into it, however long the chain."""
    rows = await connection.execute(_FAMILY, {"id": member_id})
    return frozenset(rows.scalars())


async def merge_of(connection: AsyncConnection, source_id: UUID) -> Merge | None:
    """The merge that an account is in; None where it stands for itself."""
    row = (
        await connection.execute(
            text("select * from merges where source_id = :id and unmerged_at is null"),
            {"id": source_id},
        )
    ).first()
    if row is None:
        return None
    return Merge(row.key, row.source_id, row.target_id, row.merged_at, row.source_before)


_LOCK_SALES = text("""
select 1 from sales where member_id = any(cast(:ids as uuid[]))
order by store, order_id for update
""")


async def lock_sales(connection: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Locks the accounts' sales, in the order in which everybody does, before the accounts."""
    await connection.execute(_LOCK_SALES, {"ids": list(ids)})


_SALES = text("""
update sales set member_id = :target, origin_id = coalesce(origin_id, :source)
where member_id = :source
""")
_SALES_BACK = text("""
update sales set member_id = :source
where member_id = :target and origin_id = any(cast(:family as uuid[]))
""")
_REWARDS = text("""
update rewards set member_id = :target, origin_id = coalesce(origin_id, :source)
where member_id = :source
""")
# The points of one that is still held stay where the hold is, and so does it.
_REWARDS_BACK = text("""
update rewards set member_id = :source
where member_id = :target and origin_id = any(cast(:family as uuid[])) and state <> 'held'
""")
_LIMITS = text("""
insert into limit_uses (limit_key, scope, bucket, points, times)
select limit_key, cast(:target as text), bucket, points, times from limit_uses
where scope = cast(:source as text) order by limit_key, bucket
on conflict (limit_key, scope, bucket) do update
set points = limit_uses.points + excluded.points, times = limit_uses.times + excluded.times
""")
_LIMITS_OF = text("""
select limit_key, bucket, points, times from limit_uses where scope = cast(:source as text)
""")
_LIMITS_BACK = text("""
update limit_uses u set points = greatest(u.points - r.points, 0),
                        times = greatest(u.times - r.times, 0)
from jsonb_to_recordset(cast(:rows as jsonb))
     as r(limit_key text, bucket text, points bigint, times bigint)
where u.scope = cast(:target as text) and u.limit_key = r.limit_key and u.bucket = r.bucket
""")
_MILESTONES = text("""
insert into milestones_reached (member_id, milestone, mark, times, points, stands, reached_at)
select :target, milestone, mark, times, 0, stands, reached_at from milestones_reached
where member_id = :source on conflict do nothing returning milestone, mark
""")
_MILESTONES_BACK = text("""
delete from milestones_reached t
using jsonb_to_recordset(cast(:rows as jsonb)) as r(milestone text, mark numeric)
where t.member_id = :target and t.milestone = r.milestone and t.mark = r.mark
""")


async def join(connection: AsyncConnection, merge: Merge) -> None:
    """Moves what belongs to an account besides its points, and remembers what it brought."""
    whose = {"source": merge.source_id, "target": merge.target_id}
    names = {key: str(value) for key, value in whose.items()}
    await connection.execute(_SALES, whose)
    await connection.execute(_REWARDS, whose)
    limits = (await connection.execute(_LIMITS_OF, {"source": names["source"]})).all()
    await connection.execute(_LIMITS, names)
    reached = (await connection.execute(_MILESTONES, whose)).all()
    brought = {
        "limits": [dict(row._mapping) for row in limits],
        "milestones": [dict(row._mapping) for row in reached],
    }
    row = {
        "key": merge.key,
        "source_id": merge.source_id,
        "target_id": merge.target_id,
        "merged_at": merge.merged_at,
        "source_before": {**merge.before, **brought},
    }
    await insert_rows(connection, merges, [row])


async def part(
    connection: AsyncConnection,
    merge: Merge,
    *,
    holder: UUID,
    origins: frozenset[UUID],
    now: datetime,
) -> None:
    """Undoes `join`: sales made on the account since go with it.

    Args:
        holder: Where the account's things are now, after further merges.
        origins: The account and those that are merged into it.
    """
    whose = {"source": merge.source_id, "target": holder}
    await connection.execute(_SALES_BACK, {**whose, "family": sorted(origins)})
    await connection.execute(_REWARDS_BACK, {**whose, "family": sorted(origins)})
    await connection.execute(
        _LIMITS_BACK, {"target": str(holder), "rows": dumps(merge.before.get("limits", []))}
    )
    await connection.execute(
        _MILESTONES_BACK, {"target": holder, "rows": dumps(merge.before.get("milestones", []))}
    )
    await connection.execute(
        text("update merges set unmerged_at = :now where key = :key"),
        {"now": now, "key": merge.key},
    )


# By the order of identifiers and not by the clock, which may stand still between two events.
_SPENT_SINCE = text("""
select exists (
    select 1 from entries where member_id = :holder and kind in ('redeem', 'return')
      and id > :marker
) or exists (
    select 1 from holds where member_id = :holder and created_at >= :since
) or exists (
    select 1 from allocations a
    join entries e on e.id = a.entry_id join lots l on l.id = a.lot_id
    where l.member_id = :holder and a.id > :marker
      and e.kind not in ('transfer', 'expire')
      and (coalesce(e.origin_id, e.member_id) = any(cast(:family as uuid[])))
          <> (coalesce(l.origin_id, l.member_id) = any(cast(:family as uuid[])))
)
""")


async def is_mixed(
    connection: AsyncConnection, *, holder: UUID, origins: frozenset[UUID], merge: Merge
) -> bool:
    """Whether points were spent since, or those of one account paid for what the other owed."""
    wanted = {
        "holder": holder,
        "family": sorted(origins),
        "since": merge.merged_at,
        "marker": UUID(merge.before["marker"]),
    }
    return bool((await connection.execute(_SPENT_SINCE, wanted)).scalar())


@dataclass(frozen=True, slots=True)
class Bonus:
    """What an account still has of its welcome, by rule; `lot_id` is where it lies."""

    rule: str
    points: int
    lot_id: UUID
    earned_at: datetime
    available_at: datetime
    expires_at: datetime | None


_WELCOMES = text("""
select coalesce(e.origin_id, e.member_id) as origin, e.rule, l.id as lot_id,
       l.earned_at, l.available_at, l.expires_at,
       e.points + coalesce((
           select sum(b.points) from entries b
           where b.snapshot ->> 'bonus_lot' = cast(l.id as text)
             and b.member_id = any(cast(:ids as uuid[]))), 0) as points
from entries e
join inbox i on i.id = e.event_id and i.type = 'customer.created'
join lots l on l.entry_id = e.id
where e.member_id = any(cast(:ids as uuid[])) and e.kind = 'earn'
order by e.id
""")


async def welcomes(connection: AsyncConnection, ids: frozenset[UUID]) -> list[Bonus]:
    """What signing up brought these accounts and was not taken back at a merge."""
    rows = await connection.execute(_WELCOMES, {"ids": sorted(ids)})
    return [
        Bonus(
            rule=row.rule,
            points=int(row.points),
            lot_id=row.lot_id,
            earned_at=row.earned_at,
            available_at=row.available_at,
            expires_at=row.expires_at,
        )
        for row in rows
        if row.points > 0
    ]


@dataclass(frozen=True, slots=True)
class Sums:
    """What the books say an account did: orders, spend, points earned and spent."""

    orders_count: int
    lifetime_spend: Decimal
    lifetime_points: int
    points_redeemed: int
    redemptions_count: int


_SUMS = text("""
select
    (select count(*) from sales where coalesce(origin_id, member_id) = any(cast(:ids as uuid[]))
     and is_counted and version <> '') as orders_count,
    (select coalesce(sum(spend), 0) from sales
     where coalesce(origin_id, member_id) = any(cast(:ids as uuid[]))) as lifetime_spend,
    (select coalesce(sum(points), 0) from entries
     where coalesce(origin_id, member_id) = any(cast(:ids as uuid[]))
     and counts_at is not null) as lifetime_points,
    (select coalesce(-sum(points), 0) from entries
     where coalesce(origin_id, member_id) = any(cast(:ids as uuid[]))
     and kind in ('redeem', 'return')) as points_redeemed,
    (select count(*) from redemptions where member_id = any(cast(:ids as uuid[]))
     and state = 'spent') as redemptions_count
""")


async def sums(connection: AsyncConnection, ids: frozenset[UUID]) -> Sums:
    """Counters of a family of accounts, read anew from the books."""
    row = (await connection.execute(_SUMS, {"ids": sorted(ids)})).one()
    return Sums(
        orders_count=row.orders_count,
        lifetime_spend=row.lifetime_spend,
        lifetime_points=int(row.lifetime_points),
        points_redeemed=int(row.points_redeemed),
        redemptions_count=row.redemptions_count,
    )
