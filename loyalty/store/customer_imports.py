"""How far the import of each shop's customers has come, and whose turn it is.

An import holds a lease like a poll does (`loyalty.store.polls`): a worker that dies loses it, and
another goes on behind the last page that was committed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store.deliveries import ALIVE

LEASE = timedelta(minutes=5)
"""How long a worker may take for one page, pauses that the vendor asks for included."""


@dataclass(frozen=True, slots=True)
class ImportTurn:
    """One worker's turn at importing a shop's customers, and from where on."""

    store: str
    cursor: str
    owner: str


@dataclass(frozen=True, slots=True)
class ImportState:
    """How far an import has come, for people."""

    store: str
    state: str
    pages: int
    read: int
    kept: int
    refused: int
    problem: str
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None


_TAKE = text("""
insert into customer_imports (store, owner, lease_until, started_at, updated_at)
values (:store, :owner, :until, :now, :now)
on conflict (store) do update set
    owner = excluded.owner, lease_until = excluded.lease_until, updated_at = :now, problem = '',
    state = 'running', finished_at = null,
    cursor = case when customer_imports.state = 'done' then '' else customer_imports.cursor end,
    pages = case when customer_imports.state = 'done' then 0 else customer_imports.pages end,
    read = case when customer_imports.state = 'done' then 0 else customer_imports.read end,
    kept = case when customer_imports.state = 'done' then 0 else customer_imports.kept end,
    refused = case when customer_imports.state = 'done' then 0 else customer_imports.refused end,
    started_at = case when customer_imports.state = 'done' then :now
                 else customer_imports.started_at end
where customer_imports.owner = '' or customer_imports.lease_until <= :now
   or split_part(customer_imports.owner, '#', 1) not in
      (select name from workers where seen_at > :since)
returning cursor
""")


async def take(
    connection: AsyncConnection,
    store: str,
    *,
    owner: str,
    now: datetime,
    alive: timedelta = ALIVE,
) -> ImportTurn | None:
    """Begins an import or goes on with one that stopped; None where another worker is at it."""
    ticket = f"{owner}#{uuid4().hex[:12]}"
    rows = await connection.execute(
        _TAKE,
        {"store": store, "owner": ticket, "until": now + LEASE, "now": now, "since": now - alive},
    )
    row = rows.first()
    return None if row is None else ImportTurn(store, row.cursor, ticket)


async def advance(
    connection: AsyncConnection,
    turn: ImportTurn,
    cursor: str,
    *,
    read: int,
    kept: int,
    refused: int,
    now: datetime,
) -> bool:
    """Keeps how far it has come, in the transaction that keeps the page's customers.

    Returns:
        False where the turn is over: another worker imports by now.
    """
    done = await connection.execute(
        text("""
            update customer_imports set cursor = :cursor, lease_until = :until, updated_at = :now,
                pages = pages + 1, read = read + :read, kept = kept + :kept,
                refused = refused + :refused
            where store = :store and owner = :owner
        """),
        {
            "cursor": cursor,
            "until": now + LEASE,
            "now": now,
            "read": read,
            "kept": kept,
            "refused": refused,
            "store": turn.store,
            "owner": turn.owner,
        },
    )
    return bool(done.rowcount)


async def end(
    connection: AsyncConnection, turn: ImportTurn, *, now: datetime, problem: str | None = None
) -> None:
    """Gives the turn back: through to the end, or stopped, with the reason where there is one."""
    await connection.execute(
        text("""
            update customer_imports set owner = '', lease_until = null, updated_at = :now,
                state = cast(:state as text), problem = :problem,
                finished_at = case when cast(:state as text) = 'done'
                              then cast(:now as timestamptz) end
            where store = :store and owner = :owner
        """),
        {
            "state": "done" if problem is None else "stopped",
            "problem": (problem or "")[:500],
            "now": now,
            "store": turn.store,
            "owner": turn.owner,
        },
    )


async def listed(connection: AsyncConnection) -> list[ImportState]:
    """How every shop's import stands."""
    rows = await connection.execute(
        text("""
            select store, state, pages, read, kept, refused, problem, started_at, updated_at,
                   finished_at
            from customer_imports order by store
        """)
    )
    return [ImportState(*row) for row in rows]
