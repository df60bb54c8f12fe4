"""Points that were spent, on which order, and of which lots: what may have to come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import TextClause

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


_FOUND = """
select r.*, a.lot_id, a.points as part from redemptions r
left join (
    select entry_id, lot_id, sum(points) as points from allocations
    where entry_id in (select entry_id from redemptions where {which} and state = 'spent')
    group by entry_id, lot_id
) a on a.entry_id = r.entry_id
where r.{which} and r.state = 'spent'
order by r.created_at, r.key, a.lot_id
"""
_USED_ON = text(_FOUND.format(which="used_on = any(cast(:wanted as text[]))"))
_NAMED = text(_FOUND.format(which="key = any(cast(:wanted as text[]))"))


async def used_on(connection: AsyncConnection, orders: Sequence[str]) -> list[Redeemed]:
    """The redemptions used on these orders that have not come back, oldest first."""
    wanted = [order for order in orders if order]
    return await _found(connection, _USED_ON, wanted) if wanted else []


async def named(connection: AsyncConnection, keys: Sequence[str]) -> list[Redeemed]:
    """The redemptions with these keys that have not come back."""
    return await _found(connection, _NAMED, keys) if keys else []


async def _found(
    connection: AsyncConnection, query: TextClause, wanted: Sequence[str]
) -> list[Redeemed]:
    found: dict[str, Redeemed] = {}
    for row in await connection.execute(query, {"wanted": list(wanted)}):
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


async def note_used(connection: AsyncConnection, orders: Mapping[str, str]) -> None:
    """Notes on which order (`store:order id`) what was spent was used, by redemption key."""
    rows = [{"key": key, "used_on": order} for key, order in sorted(orders.items())]
    await update_rows(connection, redemptions, "key", rows, where="and t.used_on = ''")


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
