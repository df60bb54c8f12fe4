"""What commands ask the store for beyond what the hub itself needs: all of it only reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store.deliveries import Delivery, delivery_of
from loyalty.store.tables import deliveries, entries, inbox, rejects


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event of the inbox and how it ended."""

    id: int
    business_key: str
    store: str
    type: str
    key: str
    subject: str
    trigger: str
    occurred_at: datetime
    received_at: datetime
    data: dict[str, Any]
    delivery_id: str | None
    state: str
    reason: str
    waits_for: str
    attempts: int
    run_id: UUID | None
    member_id: UUID | None
    done_at: datetime | None
    outcome: dict[str, Any] | None


_EVENT = [inbox.c[name] for name in StoredEvent.__slots__]


async def find_events(
    connection: AsyncConnection,
    *,
    states: Sequence[str] = (),
    trigger: str = "",
    limit: int | None = None,
) -> list[StoredEvent]:
    """Events that match, newest first."""
    query = inbox.select().with_only_columns(*_EVENT).order_by(inbox.c.id.desc())
    if states:
        query = query.where(inbox.c.state.in_(states))
    if trigger:
        query = query.where(inbox.c.trigger == trigger)
    if limit is not None:
        query = query.limit(limit)
    return [StoredEvent(*row) for row in await connection.execute(query)]


async def events_by_key(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, StoredEvent]:
    """The events with these business keys, as far as they are known."""
    query = inbox.select().with_only_columns(*_EVENT).where(inbox.c.business_key.in_(keys))
    found = [StoredEvent(*row) for row in await connection.execute(query)]
    return {one.business_key: one for one in found}


async def keys_in_state(connection: AsyncConnection, state: str) -> list[str]:
    """The business keys of all events in a state, oldest first."""
    query = (
        inbox.select()
        .with_only_columns(inbox.c.business_key)
        .where(inbox.c.state == state)
        .order_by(inbox.c.id)
    )
    return list((await connection.execute(query)).scalars())


async def dead_ids(connection: AsyncConnection, route: str) -> list[UUID]:
    """The ids of all dead deliveries, of one connection or of all; oldest first."""
    query = deliveries.select().with_only_columns(deliveries.c.id).order_by(deliveries.c.id)
    query = query.where(deliveries.c.state == "dead")
    if route:
        connector, _, name = route.partition("/")
        query = query.where(deliveries.c.connector == connector)
        query = query.where(deliveries.c.connection == name) if name else query
    return list((await connection.execute(query)).scalars())


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A line of the ledger."""

    id: UUID
    kind: str
    points: int
    rule: str
    sale: str
    version: str
    reason: str
    posted_at: datetime


async def entries_of(connection: AsyncConnection, event: StoredEvent) -> list[StoredEntry]:
    """What an event booked, in order; found by its member, whose entries are indexed."""
    columns = [entries.c[name] for name in StoredEntry.__slots__]
    query = entries.select().with_only_columns(*columns).order_by(entries.c.id)
    query = query.where(entries.c.member_id == event.member_id, entries.c.event_id == event.id)
    return [StoredEntry(*row) for row in await connection.execute(query)]


async def deliveries_of(connection: AsyncConnection, event_id: int) -> list[Delivery]:
    """What an event had sent, or will."""
    query = deliveries.select().where(deliveries.c.event_id == event_id).order_by(deliveries.c.id)
    return [delivery_of(row) for row in await connection.execute(query)]


@dataclass(frozen=True, slots=True)
class KeptRequests:
    """Genuine requests of a connection that could not be read, and the latest of them."""

    slug: str
    count: int
    latest_at: datetime
    latest_problem: str


async def kept_requests(connection: AsyncConnection) -> list[KeptRequests]:
    """Requests that are kept for inspection, by connection."""
    query = text(f"""
        select distinct on (connector, connection) connector, connection, received_at, problem,
               count(*) over (partition by connector, connection) as n
        from {rejects.name} order by connector, connection, id desc
    """)  # noqa: S608 - a name of our own
    return [
        KeptRequests(f"{row.connector}/{row.connection}", row.n, row.received_at, row.problem)
        for row in await connection.execute(query)
    ]


@dataclass(frozen=True, slots=True)
class Budget:
    """A connection's budget as the senders see it."""

    name: str
    is_active: bool
    blocked_until: datetime | None


async def all_budgets(connection: AsyncConnection) -> dict[str, Budget]:
    """The budgets, by name."""
    rows = await connection.execute(text("select name, is_active, blocked_until from budgets"))
    return {row.name: Budget(*row) for row in rows}
