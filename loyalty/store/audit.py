"""Who did what, when, to what: one line for every act of a person or of the hub on its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store.tables import audit


async def note(
    connection: AsyncConnection,
    *,
    actor: str,
    action: str,
    subject: str,
    now: datetime,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Adds a line to the audit log, in the transaction of the act itself."""
    await connection.execute(
        audit.insert().values(
            at=now, actor=actor, action=action, object=subject, detail=dict(detail or {})
        )
    )


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the log."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


async def latest(
    connection: AsyncConnection,
    *,
    actor: str = "",
    about: str = "",
    before: int | None = None,
    limit: int = 50,
) -> list[Line]:
    """Lines of the log, newest first.

    Args:
        actor: A part of the name of who did it.
        about: A part of what was done, or of what it was done to.
        before: Only older lines than this one.
    """
    query = audit.select().order_by(audit.c.id.desc()).limit(limit)
    if actor:
        query = query.where(audit.c.actor.icontains(actor, autoescape=True))
    if about:
        is_done = audit.c.action.icontains(about, autoescape=True)
        query = query.where(is_done | audit.c.object.icontains(about, autoescape=True))
    if before is not None:
        query = query.where(audit.c.id < before)
    return [Line(*row) for row in await connection.execute(query)]
