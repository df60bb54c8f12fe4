"""Whether what a hold was asked for was refused, so that nobody waits for it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_REFUSED = text("""
select business_key from inbox where business_key = any(cast(:keys as text[])) and state = 'refused'
""")


async def refused(connection: AsyncConnection, events: Sequence[str]) -> set[str]:
    """Which of these events, by business key, were refused: what they asked for never was."""
    if not events:
        return set()
    rows = await connection.execute(_REFUSED, {"keys": list(events)})
    return set(rows.scalars())
