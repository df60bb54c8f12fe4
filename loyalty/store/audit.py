"""Who did what, when, to what: one line for every act of a person or of the hub on its own."""

from __future__ import annotations

from collections.abc import Mapping
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
