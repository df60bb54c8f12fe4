"""What was tried to send a delivery, and how each try ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store.tables import attempts


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to send a delivery."""

    number: int
    started_at: datetime
    ended_at: datetime
    outcome: str
    detail: str
    vendor_code: str
    request_id: str


async def attempts_of(connection: AsyncConnection, delivery_id: UUID) -> list[Attempt]:
    """The tries of a delivery, first to last."""
    columns = [attempts.c[name] for name in Attempt.__slots__]
    query = attempts.select().with_only_columns(*columns)
    query = query.where(attempts.c.delivery_id == delivery_id).order_by(attempts.c.number)
    return [Attempt(*row) for row in await connection.execute(query)]
