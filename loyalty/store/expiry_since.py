"""Since when the present expiry is in force, so that switching it on wipes no old balance."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.policies import ExpiryPolicy

_READ = text("select value ->> 'at' as at from settings where name = 'expiry_since'")

_WRITE = text("""
insert into settings (name, value, updated_at)
values ('expiry_since', jsonb_build_object('at', cast(:at as text)), :now)
on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at
""")


async def expiry_since(connection: AsyncConnection) -> datetime | None:
    """When the present expiry was switched on; None where it always was as it is."""
    row = (await connection.execute(_READ)).first()
    return None if row is None else datetime.fromisoformat(row.at)


async def note_expiry(
    connection: AsyncConnection, before: ExpiryPolicy, after: ExpiryPolicy, *, now: datetime
) -> None:
    """Notes that another expiry is in force from now on; nothing where it is the same.

    To be called with the programme's row locked, when a saved programme replaces another.
    """
    if before != after:
        await connection.execute(_WRITE, {"at": now.isoformat(), "now": now})
