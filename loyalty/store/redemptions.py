"""Points that were spent, on which order, and of which lots: what may have to come back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store.bulk import insert_rows, update_rows
from loyalty.store.tables import redemptions


@dataclass(slots=True)
class Redeemed:
    """One redemption.

    Attributes:
        key: Names the request at its store, so that it is spent once.
        used_on: `store:order id` of the order that the reward was used on; empty where unknown.
        parts: Points by lot that are still spent on it; filled on reading.
    """

    key: str
    member_id: UUID
    entry_id: UUID
    points: int
    created_at: datetime
    reward: str = ""
    used_on: str = ""
    state: Literal["spent", "returned"] = "spent"
    parts: tuple[tuple[UUID, int], ...] = ()


_USED_ON = text("""
select r.*, a.lot_id, a.points as part from redemptions r
left join (
    select entry_id, lot_id, sum(points) as points from allocations
    where entry_id in (select entry_id from redemptions
                       where used_on = any(:orders) and state = 'spent')
    group by entry_id, lot_id
) a on a.entry_id = r.entry_id
where r.used_on = any(:orders) and r.used_on <> '' and r.state = 'spent'
order by r.created_at, r.key, a.lot_id
""")


async def used_on(connection: AsyncConnection, orders: Sequence[str]) -> list[Redeemed]:
    """The redemptions used on these orders that have not come back, oldest first."""
    if not orders:
        return []
    found: dict[str, Redeemed] = {}
    for row in await connection.execute(_USED_ON, {"orders": list(orders)}):
        one = found.setdefault(row.key, _redeemed(row))
        if row.lot_id is not None:
            one.parts = (*one.parts, (row.lot_id, int(row.part)))
    return list(found.values())


async def save(connection: AsyncConnection, new: Sequence[Redeemed]) -> None:
    """Writes redemptions that are new; their entries are posted before."""
    rows: list[dict[str, Any]] = [
        {
            "key": one.key,
            "member_id": one.member_id,
            "entry_id": one.entry_id,
            "points": one.points,
            "reward": one.reward,
            "used_on": one.used_on,
            "state": one.state,
            "created_at": one.created_at,
        }
        for one in new
    ]
    await insert_rows(connection, redemptions, rows)


async def note_returned(connection: AsyncConnection, keys: Sequence[str]) -> int:
    """Notes that these came back; returns of how many that was news."""
    rows = [{"key": key, "state": "returned"} for key in sorted(set(keys))]
    return await update_rows(connection, redemptions, "key", rows, where="and t.state = 'spent'")


def _redeemed(row: Any) -> Redeemed:
    return Redeemed(
        key=row.key,
        member_id=row.member_id,
        entry_id=row.entry_id,
        points=row.points,
        created_at=row.created_at,
        reward=row.reward,
        used_on=row.used_on,
        state=row.state,
    )
