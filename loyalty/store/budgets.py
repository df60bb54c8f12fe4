"""Budgets: a leaky bucket per connection, shared by all workers, exact under their row lock.

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


@dataclass(frozen=True, slots=True)
class Grant:
    """How many slots were given, and when the next one will be free if fewer than wanted."""

    slots: int
    retry_at: datetime | None


_TAKE = text("""
with bucket as (
    select *, greatest(level - per_second * extract(epoch from
              greatest(cast(:now as timestamptz), level_at) - level_at), 0) as filled
    from budgets where name = :name for update
),
verdict as (
    select *, case when not is_active then cast(:wanted as integer)
                   when blocked_until > :now then 0
                   else greatest(least(:wanted, floor(burst - filled)), 0) end as granted
    from bucket
)
update budgets b
set level = v.filled + case when v.is_active then v.granted else 0 end,
    level_at = greatest(b.level_at, cast(:now as timestamptz))
from verdict v where b.name = v.name
returning cast(v.granted as integer) as granted, v.filled, v.burst, v.per_second,
          case when v.blocked_until > :now then v.blocked_until end as blocked_until
""")


async def take(connection: AsyncConnection, name: str, wanted: int, *, now: datetime) -> Grant:
    """Takes up to `wanted` slots of a budget, all at once.

    Raises:
        LookupError: There is no such budget; nothing may be sent without one.
    """
    row = (await connection.execute(_TAKE, {"name": name, "wanted": wanted, "now": now})).first()
    if row is None:
        raise LookupError(f"there is no budget {name!r}: the worker makes it with the block")
    if row.granted >= wanted:
        return Grant(row.granted, None)
    if row.blocked_until is not None:
        return Grant(0, row.blocked_until)
    missing = 1 - (row.burst - row.filled - row.granted)
    # Rounded up: at the instant that is named there is a slot, and not almost one.
    micros = ceil(missing * 1_000_000 / row.per_second) if row.per_second else HOUR
    return Grant(row.granted, now + timedelta(microseconds=max(micros, 1000)))


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
