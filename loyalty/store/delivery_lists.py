"""Deliveries as people see them: listed, and decided upon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store.deliveries import Delivery, delivery_of
from loyalty.store.tables import deliveries


@dataclass(frozen=True, slots=True)
class Search:
    """Which deliveries to list."""

    states: tuple[str, ...] = ()
    route: str = ""
    key: str = ""
    limit: int = 50
    ids: tuple[UUID, ...] = field(default=())
    member: UUID | None = None
    before: UUID | None = None
    """Only those written before this one: how a list goes on."""


async def search(connection: AsyncConnection, wanted: Search) -> list[Delivery]:
    """Deliveries that match, newest first."""
    query = deliveries.select().order_by(deliveries.c.id.desc()).limit(wanted.limit)
    if wanted.states:
        query = query.where(deliveries.c.state.in_(wanted.states))
    if wanted.route:
        connector, _, name = wanted.route.partition("/")
        query = query.where(deliveries.c.connector == connector)
        query = query.where(deliveries.c.connection == name) if name else query
    if wanted.key:
        query = query.where(deliveries.c.key.contains(wanted.key, autoescape=True))
    if wanted.ids:
        query = query.where(deliveries.c.id.in_(wanted.ids))
    if wanted.member:
        query = query.where(deliveries.c.member_id == wanted.member)
    if wanted.before:
        query = query.where(deliveries.c.id < wanted.before)
    return [delivery_of(row) for row in await connection.execute(query)]


_MAY_BECOME = {
    "pending": ("dead", "unknown", "parked", "held"),
    "sent": ("unknown",),
    "cancelled": ("dead", "unknown", "parked", "held", "pending"),
}


async def decide(
    connection: AsyncConnection, ids: Sequence[UUID], *, state: str, reason: str
) -> list[UUID]:
    """A person's word on deliveries: try again (pending), it did arrive (sent), or give up.

    Returns:
        Those that could be changed; one that is sent already cannot.
    """
    rows = await connection.execute(
        text("""
            update deliveries set state = :state, reason = :reason, owner = '',
                   lease_until = null, next_attempt_at = null
            where id = any(:ids) and state = any(cast(:allowed as text[])) returning id
        """),
        {
            "ids": list(ids),
            "state": state,
            "reason": reason,
            "allowed": list(_MAY_BECOME[state]),
        },
    )
    return [row.id for row in rows]
