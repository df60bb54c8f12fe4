"""Cursors of connections that are asked what changed, when each is due, and who is at it.

A walk holds a lease: a row with an end that every page prolongs, judged together with the
worker's own sign of life. A worker that dies loses it at once, and another goes on from the
last page that was committed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store.deliveries import ALIVE

BELL = "hub_polls"
"""The NOTIFY channel: some connection should be asked now."""

LEASE = timedelta(minutes=2)
"""How long a walk may take for one page."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One worker's turn at one connection, and from where on; the empty cursor is the first look.

    Attributes:
        failures: How many walks have failed in a row before this one.
    """

    connection: str
    cursor: str
    owner: str
    failures: int = 0


@dataclass(frozen=True, slots=True)
class PollState:
    """How a connection's poll stands, for people."""

    connection: str
    cursor: str
    due_at: datetime
    polled_at: datetime | None
    problem: str


async def enrol(connection: AsyncConnection, slugs: Sequence[str], *, now: datetime) -> None:
    """Makes connections that were never asked due now; known ones stay as they are."""
    await connection.execute(
        text("""
            insert into polls (connection, due_at)
            select slug, :now from unnest(cast(:slugs as text[])) as s(slug) order by slug
            on conflict (connection) do nothing
        """),
        {"slugs": list(slugs), "now": now},
    )


async def ring(connection: AsyncConnection, slugs: Sequence[str], *, now: datetime) -> None:
    """Makes these connections due now, in the transaction that keeps why."""
    for slug in sorted(set(slugs)):
        await connection.execute(
            text("""
                insert into polls (connection, due_at, rung_at) values (:slug, :now, :now)
                on conflict (connection) do update
                set due_at = least(polls.due_at, excluded.due_at), rung_at = excluded.rung_at
            """),
            {"slug": slug, "now": now},
        )
    await connection.execute(text("select pg_notify(:channel, '')"), {"channel": BELL})


_FREE = """
    (p.owner = '' or p.lease_until <= :now or split_part(p.owner, '#', 1) not in
        (select name from workers where seen_at > :since))
"""

_DUE = text(f"""
select exists (
    select 1 from polls p where p.connection = any(cast(:slugs as text[])) and {_FREE}
      and (p.due_at <= :now or p.owner <> '')
)
""")  # noqa: S608 - put together of constants

_TAKE = text(f"""
with mine as materialized (
    select p.connection, w.seconds from polls p
    join unnest(cast(:slugs as text[]), cast(:seconds as double precision[]))
         as w(slug, seconds) on w.slug = p.connection
    where {_FREE} and (:at_once or p.due_at <= :now or p.owner <> '')
    order by p.due_at, p.connection limit :limit for update of p skip locked
)
update polls p
set owner = :owner, lease_until = :until,
    due_at = cast(:now as timestamptz) + make_interval(secs => mine.seconds)
from mine where p.connection = mine.connection
returning p.connection, p.cursor, p.failures
""")  # noqa: S608 - put together of constants


async def is_due(
    connection: AsyncConnection,
    slugs: Sequence[str],
    *,
    now: datetime,
    alive: timedelta = ALIVE,
) -> bool:
    """Whether one of these is to be asked now, or was left in the middle by a dead worker."""
    found = await connection.scalar(_DUE, {"slugs": list(slugs), "now": now, "since": now - alive})
    return bool(found)


async def take(
    connection: AsyncConnection,
    every: Mapping[str, timedelta],
    *,
    owner: str,
    now: datetime,
    limit: int = 20,
    at_once: bool = False,
    alive: timedelta = ALIVE,
) -> list[Turn]:
    """Leases connections that are due, longest overdue first; nobody else has them then.

    The next walk is due from now on after the connection's own time, so that whoever rings
    while this one is under way makes another one due.

    Args:
        every: The connections that may be asked, and how often each is.
        owner: The worker's name, as it is seen alive.
        at_once: Also those that are not due yet: a person wants to know.
    """
    ticket = f"{owner}#{uuid4().hex[:12]}"
    rows = await connection.execute(
        _TAKE,
        {
            "slugs": list(every),
            "seconds": [one.total_seconds() for one in every.values()],
            "owner": ticket,
            "until": now + LEASE,
            "now": now,
            "since": now - alive,
            "limit": limit,
            "at_once": at_once,
        },
    )
    return [Turn(row.connection, row.cursor, ticket, row.failures) for row in rows]


async def advance(connection: AsyncConnection, turn: Turn, cursor: str, *, now: datetime) -> bool:
    """Keeps how far a walk has come, in the transaction that took its events in.

    Returns:
        False where the turn is over: another worker walks by now.
    """
    kept = await connection.execute(
        text("""
            update polls set cursor = :cursor, lease_until = :until
            where connection = :slug and owner = :owner
        """),
        {"slug": turn.connection, "owner": turn.owner, "cursor": cursor, "until": now + LEASE},
    )
    return bool(kept.rowcount)


async def settle(
    connection: AsyncConnection,
    turn: Turn,
    *,
    now: datetime,
    problem: str = "",
    next_at: datetime | None = None,
) -> None:
    """Ends a turn: gives the lease back, and notes how it went.

    Args:
        problem: Why it did not come to its end; empty where it did.
        next_at: When to ask again, in place of the connection's own time; a ring meanwhile
            counts all the same, unless the vendor asked for a pause.
    """
    await connection.execute(
        text("""
            update polls set owner = '', lease_until = null, problem = :problem,
                polled_at = case when :problem = '' then :now else polled_at end,
                failures = case when :problem = '' then 0 else failures + 1 end,
                due_at = coalesce(:next_at, due_at)
            where connection = :slug and owner = :owner
        """),
        {
            "slug": turn.connection,
            "owner": turn.owner,
            "problem": problem[:500],
            "next_at": next_at,
            "now": now,
        },
    )


async def give_back(connection: AsyncConnection, turn: Turn, *, now: datetime) -> None:
    """Ends a turn in the middle, without a word on how it went: it is due at once."""
    await connection.execute(
        text("""
            update polls set owner = '', lease_until = null, due_at = :now
            where connection = :slug and owner = :owner
        """),
        {"slug": turn.connection, "owner": turn.owner, "now": now},
    )


async def states(connection: AsyncConnection) -> list[PollState]:
    """Every poll there is."""
    rows = await connection.execute(
        text("select connection, cursor, due_at, polled_at, problem from polls order by connection")
    )
    return [PollState(*row) for row in rows]
