"""Budgets: a leaky bucket per connection, shared by all workers, exact under their row lock.

A bucket of 14 that refills at 14 a second would let 28 through in one second: its burst, and
what drips in behind it. So the slots of the last second are remembered as well, and any second
has at most as many as the larger of burst and rate. They are remembered by steps of 20 ms,
rounded up, which errs on the vendor's side.

Burst and rate come from Prefect's global concurrency limits (docs/decisions/004-budgets.md);
the level is kept here, so that taking n slots is part of the transaction that marks n
deliveries as being sent and costs no call to Prefect.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

HOUR = 3_600_000_000
"""In microseconds: how long a budget that never refills is left alone."""


SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Grant:
    """How many slots were given, and when the next one will be free if fewer than wanted."""

    slots: int
    retry_at: datetime | None


_TAKE = text("""
with bucket as (
    select *, greatest(cast(:now as timestamptz), level_at) as at,
           greatest(level - per_second * extract(epoch from
              greatest(cast(:now as timestamptz), level_at) - level_at), 0) as filled
    from budgets where name = :name for update
),
lately as (
    select b.name, coalesce(sum(r.slots), 0) as used,
           coalesce(array_agg(r.at order by r.at) filter (where r.at is not null),
                    '{}') as ats,
           coalesce(array_agg(r.slots order by r.at) filter (where r.at is not null),
                    '{}') as slots
    from bucket b
    left join lateral (
        select greatest(u.at, case when u.at >= cast(:took_at as timestamptz)
                                   then cast(:left_at as timestamptz) end) as at, u.slots
        from unnest(b.recent_at, b.recent_slots) as u(at, slots)
    ) as r on r.at > b.at - interval '1 second'
    group by b.name
),
verdict as (
    select b.*, l.used, l.ats, l.slots,
           greatest(burst, floor(per_second), 1) as most,
           case when not is_active then cast(:wanted as integer)
                when blocked_until > :now then 0
                else greatest(least(:wanted, floor(burst - filled),
                                    greatest(burst, floor(per_second), 1) - l.used), 0)
           end as granted,
           date_bin(interval '20 milliseconds', b.at, timestamptz '2000-01-01')
               + case when date_bin(interval '20 milliseconds', b.at,
                                    timestamptz '2000-01-01') = b.at
                      then interval '0' else interval '20 milliseconds' end as step
    from bucket b join lately l on l.name = b.name
)
update budgets b
set level = v.filled + case when v.is_active then v.granted else 0 end,
    level_at = v.at,
    recent_at = case when v.granted = 0 or not v.is_active then v.ats
                     when v.ats[cardinality(v.ats)] = v.step then v.ats
                     else v.ats || v.step end,
    recent_slots = case when v.granted = 0 or not v.is_active then v.slots
                        when v.ats[cardinality(v.ats)] = v.step
                        then trim_array(v.slots, 1)
                             || cast(v.slots[cardinality(v.slots)] + v.granted as integer)
                        else v.slots || cast(v.granted as integer) end
from verdict v where b.name = v.name
returning cast(v.granted as integer) as granted, v.filled, v.burst, v.per_second,
          v.most - v.used - v.granted as left_now, coalesce(v.ats[1], v.step) as first_at,
          case when v.blocked_until > :now then v.blocked_until end as blocked_until
""")


@dataclass(frozen=True, slots=True)
class Departure:
    """When slots were taken, and when the last of their calls really left.

    On a busy machine there may be a tenth of a second in between, and the vendor counts by what
    arrives.
    """

    took_at: datetime
    left_at: datetime


async def take(
    connection: AsyncConnection,
    name: str,
    wanted: int,
    *,
    now: datetime,
    before: Departure | None = None,
) -> Grant:
    """Takes up to `wanted` slots of a budget, all at once.

    Args:
        before: How the caller's slots of the last time were used.

    Raises:
        LookupError: There is no such budget; nothing may be sent without one.
    """
    given = {
        "name": name,
        "wanted": wanted,
        "now": now,
        "took_at": before.took_at if before else None,
        "left_at": before.left_at if before else None,
    }
    row = (await connection.execute(_TAKE, given)).first()
    if row is None:
        raise LookupError(f"there is no budget {name!r}: the worker makes it with the block")
    if row.granted >= wanted:
        return Grant(row.granted, None)
    if row.blocked_until is not None:
        return Grant(0, row.blocked_until)
    missing = 1 - (row.burst - row.filled - row.granted)
    # Rounded up: at the instant that is named there is a slot, and not almost one.
    micros = ceil(missing * 1_000_000 / row.per_second) if row.per_second else HOUR
    retry_at = now + timedelta(microseconds=max(micros, 1000))
    if row.left_now < 1:
        retry_at = max(retry_at, row.first_at + SECOND)
    return Grant(row.granted, retry_at)


async def block(connection: AsyncConnection, name: str, until: datetime) -> None:
    """Gives out no slots until the instant: the vendor asked for a pause."""
    await connection.execute(
        text("""
            update budgets set blocked_until = greatest(coalesce(blocked_until, :until), :until)
            where name = :name
        """),
        {"name": name, "until": until},
    )


async def define(
    connection: AsyncConnection,
    name: str,
    *,
    burst: int,
    per_second: Decimal,
    is_active: bool,
    now: datetime,
    replace: bool = True,
) -> None:
    """Creates a budget or takes over what was changed about it; its level stays.

    Args:
        replace: False leaves a budget that exists as it is.
    """
    await connection.execute(
        text("""
            insert into budgets (name, burst, per_second, is_active, level_at)
            values (:name, :burst, :per_second, :is_active, :now)
            on conflict (name) do update set burst = excluded.burst,
                per_second = excluded.per_second, is_active = excluded.is_active
            where :replace
              and (budgets.burst, budgets.per_second, budgets.is_active)
                  is distinct from (excluded.burst, excluded.per_second, excluded.is_active)
        """),
        {
            "replace": replace,
            "name": name,
            "burst": burst,
            "per_second": per_second,
            "is_active": is_active,
            "now": now,
        },
    )
