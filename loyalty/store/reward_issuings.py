"""How rewards were issued: what their deliveries said, and what the shop called the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.catalogue import RewardKind
from loyalty.store.rewards import Reward

KINDS = (RewardKind.GIFT_CARD, RewardKind.STORE_CREDIT)
"""A discount is named by its code alone."""


@dataclass(frozen=True, slots=True)
class Issuing:
    """The delivery that issued a reward: its key, what it said, and the vendor's id of it."""

    key: str = ""
    input: dict[str, Any] | None = None
    vendor_id: str = ""


_ISSUING = text("""
select id, key, input, vendor_id from deliveries where id = any(cast(:ids as uuid[]))
""")


async def of(connection: AsyncConnection, rewards: Sequence[Reward]) -> dict[UUID, Issuing]:
    """How the gift cards and credit among these were issued, by reward."""
    known = {one.delivery_id: one.id for one in rewards if one.terms.kind in KINDS}
    wanted = sorted(one for one in known if one is not None)
    if not wanted:
        return {}
    rows = await connection.execute(_ISSUING, {"ids": wanted})
    return {known[row.id]: Issuing(row.key, row.input, row.vendor_id) for row in rows}
