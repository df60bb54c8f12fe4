"""Messages that go on to the next channel where one does not arrive; each goes on once.

A row waits for the end of one delivery and keeps what the channels after it would send, ready
made, so that what is said stays what was asked for. Whoever looks at a row holds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store.bulk import insert_rows, update_rows
from loyalty.store.deliveries import Delivery, plain
from loyalty.store.tables import fallbacks

WAITING, ARRIVED, USED_UP, ENDED = "waiting", "arrived", "used_up", "ended"


@dataclass(slots=True)
class Fallback:
    """A message on its way through its channels.

    Attributes:
        key: Of its first delivery: the message.
        delivery_id: What is waited for now.
        rest: What the channels after it would send, in their order.
        wait_seconds: How long nothing may be heard of it; None where only a failure leads on.
    """

    id: UUID
    key: str
    delivery_id: UUID
    rest: list[Delivery]
    started_at: datetime
    member_id: UUID | None = None
    wait_seconds: int | None = None
    state: str = WAITING
    reason: str = ""
    ended_at: datetime | None = None


async def add(connection: AsyncConnection, new: Sequence[Fallback]) -> None:
    """Lets messages wait; one whose key is known waits already."""
    rows = [_row(one) for one in new]
    await insert_rows(connection, fallbacks, rows, tail="on conflict (key) do nothing")


def _row(one: Fallback) -> dict[str, Any]:
    return {
        "id": one.id,
        "key": one.key,
        "member_id": one.member_id,
        "delivery_id": one.delivery_id,
        "rest": [plain(delivery) for delivery in one.rest],
        "wait_seconds": one.wait_seconds,
        "state": one.state,
        "reason": one.reason,
        "started_at": one.started_at,
        "ended_at": one.ended_at,
    }


async def save(connection: AsyncConnection, changed: Sequence[Fallback]) -> None:
    """Writes down where messages are now; the caller holds their rows."""
    await update_rows(connection, fallbacks, "id", [_row(one) for one in changed])


_WAITING_FOR = text("""
select f.* from fallbacks f
where f.state = 'waiting' and f.delivery_id = any(cast(:ids as uuid[]))
order by f.id for update
""")

# Dead or refused by the gate: at once. Handed over, perhaps: once nothing was heard for so long.
_IS_DUE = """
f.state = 'waiting' and (
    d.state in ('dead', 'suppressed', 'cancelled')
    or (d.state in ('sent', 'unknown') and f.wait_seconds is not null
        and coalesce(d.sent_at, d.created_at) + f.wait_seconds * interval '1 second' <= :now))
"""
_DUE = text(f"""
select f.*, d.state as reached from fallbacks f join deliveries d on d.id = f.delivery_id
where {_IS_DUE} order by f.id limit :limit for update of f skip locked
""")  # noqa: S608
_NEXT = text("""
select min(case
    when d.state in ('dead', 'suppressed', 'cancelled') then cast(:now as timestamptz)
    when d.state in ('sent', 'unknown')
        then coalesce(d.sent_at, d.created_at) + f.wait_seconds * interval '1 second' end) as due
from fallbacks f join deliveries d on d.id = f.delivery_id where f.state = 'waiting'
""")


async def waiting_for(connection: AsyncConnection, delivery_ids: Sequence[UUID]) -> list[Fallback]:
    """The messages that wait for one of these deliveries, held; those that went on do not."""
    if not delivery_ids:
        return []
    rows = await connection.execute(_WAITING_FOR, {"ids": list(delivery_ids)})
    return [_fallback_of(row) for row in rows]


async def due(
    connection: AsyncConnection, *, now: datetime, limit: int
) -> list[tuple[Fallback, str]]:
    """Messages that have to go on, held, each with the state that its delivery has reached.

    What another worker holds is left to it.
    """
    rows = await connection.execute(_DUE, {"now": now, "limit": limit})
    return [(_fallback_of(row), row.reached) for row in rows]


async def next_due(connection: AsyncConnection, *, now: datetime) -> datetime | None:
    """When the next message has to go on, as far as can be said now."""
    found: datetime | None = (await connection.execute(_NEXT, {"now": now})).scalar_one()
    return found


_DELIVERIES = TypeAdapter(list[Delivery])


def _fallback_of(row: Any) -> Fallback:
    return Fallback(
        id=row.id,
        key=row.key,
        delivery_id=row.delivery_id,
        rest=_DELIVERIES.validate_python(row.rest),
        started_at=row.started_at,
        member_id=row.member_id,
        wait_seconds=row.wait_seconds,
        state=row.state,
        reason=row.reason,
        ended_at=row.ended_at,
    )
