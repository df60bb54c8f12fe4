"""How many deliveries wait, failed or went, by connection."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Tally:
    """How many deliveries a connection has in a state, and why the oldest of them waits."""

    route: str
    capability: str
    state: str
    count: int
    reason: str


async def tally(connection: AsyncConnection) -> list[Tally]:
    """Deliveries by connection and state."""
    rows = await connection.execute(
        text("""
            select connector, connection, capability, state, count(*) as n,
                   max(reason) filter (where reason <> '') as reason
            from deliveries group by connector, connection, capability, state
            order by connector, connection, capability, state
        """)
    )
    return [
        Tally(
            route=f"{row.connector}/{row.connection}" if row.connector else "",
            capability=row.capability,
            state=row.state,
            count=row.n,
            reason=row.reason or "",
        )
        for row in rows
    ]
