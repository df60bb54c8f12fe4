"""What the hub already holds of facts that a vendor tells again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class KnownSale:
    """An order as the books have it, after every edit that was booked."""

    order_id: str
    revision: datetime | None
    data: dict[str, Any]


async def sales(
    connection: AsyncConnection, store: str, order_ids: Sequence[str]
) -> dict[str, KnownSale]:
    """The booked sales among these orders of a store."""
    rows = await connection.execute(
        text("""
            select order_id, revision, data from sales
            where store = :store and order_id = any(cast(:ids as text[]))
        """),
        {"store": store, "ids": list(order_ids)},
    )
    return {row.order_id: KnownSale(*row) for row in rows}


async def events(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The data of the events that are in the inbox among these business keys."""
    rows = await connection.execute(
        text("""
            select business_key, data from inbox
            where business_key = any(cast(:keys as text[]))
        """),
        {"keys": list(keys)},
    )
    return {row.business_key: row.data for row in rows}
