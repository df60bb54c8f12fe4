"""Which workers live, and which triggers operations have paused."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


async def beat(connection: AsyncConnection, name: str, *, now: datetime) -> None:
    """Says that a worker lives; entries of workers long gone are removed."""
    await connection.execute(
        text("""
            insert into workers (name, started_at, seen_at) values (:name, :now, :now)
            on conflict (name) do update set seen_at = excluded.seen_at
        """),
        {"name": name, "now": now},
    )
    await connection.execute(
        text("delete from workers where seen_at < :gone"), {"gone": now - timedelta(minutes=10)}
    )


async def leave(connection: AsyncConnection, name: str) -> None:
    """Says that a worker has stopped: its leases are free at once."""
    await connection.execute(text("delete from workers where name = :name"), {"name": name})


async def bury(connection: AsyncConnection, start_of_name: str) -> None:
    """Says that a worker has died, where that is known: its leases are free at once."""
    await connection.execute(
        text("delete from workers where starts_with(name, :start)"), {"start": start_of_name}
    )


async def living(connection: AsyncConnection, *, now: datetime, alive: timedelta) -> list[str]:
    """The names of the workers that were seen lately."""
    rows = await connection.execute(
        text("select name from workers where seen_at > :since order by name"),
        {"since": now - alive},
    )
    return [row.name for row in rows]


async def save_trigger(
    connection: AsyncConnection, name: str, *, is_paused: bool, work_pool: str, now: datetime
) -> None:
    """Keeps what the deployment of a trigger says, for the console and the metrics."""
    await connection.execute(
        text("""
            insert into triggers (name, is_paused, work_pool, updated_at)
            values (:name, :paused, :pool, :now)
            on conflict (name) do update set is_paused = excluded.is_paused,
                work_pool = excluded.work_pool, updated_at = excluded.updated_at
            where (triggers.is_paused, triggers.work_pool)
                  is distinct from (excluded.is_paused, excluded.work_pool)
        """),
        {"name": name, "paused": is_paused, "pool": work_pool, "now": now},
    )


async def paused_triggers(connection: AsyncConnection) -> set[str]:
    """The triggers whose deployment is paused."""
    rows = await connection.execute(text("select name from triggers where is_paused"))
    return {row.name for row in rows}
