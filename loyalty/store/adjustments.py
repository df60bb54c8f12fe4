"""Points that people of the team gave or took: who asked, why, and who agreed.

The words are kept here and not in the ledger, which can never be changed: a reason may name a
person who later asks to be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.events import Adjustment
from loyalty.store.bulk import insert_rows
from loyalty.store.tables import adjustments


@dataclass(slots=True)
class Asked:
    """An adjustment that was asked for.

    Attributes:
        key: `store:id` of the adjustment.
        state: waiting (for a second person) or booked.
        asked_at: The business time of the asking, which an approval does not change.
    """

    key: str
    member_id: UUID
    data: Adjustment
    asked_at: datetime
    approved_by: str = ""
    state: str = "waiting"
    created_at: datetime | None = None
    ended_at: datetime | None = None
    is_changed: bool = False


_FIND = text("select * from adjustments where key = any(cast(:keys as text[]))")


async def find(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Asked]:
    """Those of these adjustments that are known; the caller holds the members' locks."""
    if not keys:
        return {}
    rows = await connection.execute(_FIND, {"keys": list(keys)})
    return {
        row.key: Asked(
            key=row.key,
            member_id=row.member_id,
            data=Adjustment.model_validate(row.data["adjustment"]),
            asked_at=datetime.fromisoformat(row.data["asked_at"]),
            approved_by=row.approved_by,
            state=row.state,
            created_at=row.created_at,
            ended_at=row.ended_at,
        )
        for row in rows
    }


_WRITE = (
    "on conflict (key) do update set state = excluded.state,"
    " approved_by = excluded.approved_by, ended_at = excluded.ended_at"
)


async def save(connection: AsyncConnection, asked: Iterable[Asked], *, now: datetime) -> None:
    """Writes those that are new or were decided."""
    rows = [
        {
            "key": one.key,
            "member_id": one.member_id,
            "points": one.data.points,
            "reason": one.data.reason,
            "asked_by": one.data.by,
            "approved_by": one.approved_by,
            "state": one.state,
            "data": {
                "adjustment": one.data.model_dump(mode="json", exclude={"customer"}),
                "asked_at": one.asked_at,
            },
            "created_at": one.created_at or now,
            "ended_at": one.ended_at,
        }
        for one in asked
        if one.is_changed
    ]
    await insert_rows(connection, adjustments, rows, tail=_WRITE)
