"""Cursors of connections that are asked what changed, and when each is to be asked next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

BELL = "hub_polls"
"""The NOTIFY channel: some connection should be asked now."""


@dataclass(frozen=True, slots=True)
class DuePoll:
    """A connection to be asked, and from where on; the empty cursor is the first look."""

    connection: str
    cursor: str
    due_at: datetime


async def ring(connection: AsyncConnection, slugs: Sequence[str], *, now: datetime) -> None:
    """Makes these connections due now, in the transaction that keeps why."""
    for slug in sorted(set(slugs)):
        await connection.execute(
            text("""
                insert into polls (connection, due_at) values (:slug, :now)
                on conflict (connection) do update
                set due_at = least(polls.due_at, excluded.due_at)
            """),
            {"slug": slug, "now": now},
        )
    await connection.execute(text("select pg_notify(:channel, '')"), {"channel": BELL})


async def due(connection: AsyncConnection, *, now: datetime, limit: int = 100) -> list[DuePoll]:
    """The connections to be asked, longest overdue first."""
    rows = await connection.execute(
        text(
            "select connection, cursor, due_at from polls where due_at <= :now"
            " order by due_at, connection limit :limit"
        ),
        {"now": now, "limit": limit},
    )
    return [DuePoll(*row) for row in rows]


async def advance(connection: AsyncConnection, slug: str, cursor: str) -> None:
    """Keeps how far a walk has come, in the transaction that took its events in."""
    await connection.execute(
        text("update polls set cursor = :cursor where connection = :slug"),
        {"slug": slug, "cursor": cursor},
    )


async def settle(
    connection: AsyncConnection, poll: DuePoll, *, next_at: datetime, now: datetime
) -> None:
    """Ends a walk: the next one is due at `next_at`, or at once where it was rung meanwhile."""
    await connection.execute(
        text("""
            update polls set polled_at = :now,
                due_at = case when due_at = :was then :next_at else due_at end
            where connection = :slug
        """),
        {"slug": poll.connection, "was": poll.due_at, "next_at": next_at, "now": now},
    )
