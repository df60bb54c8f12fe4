"""What comes due for messages besides deliveries: windows that close, channels that stay silent.

No Prefect here: `deliver` calls it before it takes what is to be sent, and so does the clock of
scenarios. What it plans is sent like everything else that waited.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from flows import digests as digest_closing
from flows import fallback
from flows.terms import Terms
from loyalty.store import digests, fallbacks


async def bring_on(connection: AsyncConnection, terms: Terms) -> int:
    """Does what is due at `terms.now`, as much as fits in a transaction.

    Returns:
        How many things were looked at; 0 once nothing is due.
    """
    closed = await digest_closing.close_where_due(connection, terms)
    return closed + await fallback.go_on_where_due(connection, now=terms.now)


async def next_due(connection: AsyncConnection, *, now: datetime) -> datetime | None:
    """When something comes due next; None while nothing waits."""
    found = (
        await digests.next_due(connection),
        await fallbacks.next_due(connection, now=now),
    )
    return min((one for one in found if one is not None), default=None)
