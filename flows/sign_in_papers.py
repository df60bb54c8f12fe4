"""The links that sign people in: those that a batch is about, and those that are long over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.events import EventType
from loyalty.store import member_sessions, request_rates, sign_ins
from loyalty.store.database import Database
from loyalty.store.inbox import Claimed
from loyalty.store.sign_ins import SignIn


async def asked_links(
    connection: AsyncConnection, items: Sequence[Claimed]
) -> Mapping[str, SignIn]:
    """The links that the batch is about, by id."""
    wanted = [
        UUID(item.event.data.sign_in_id)
        for item in items
        if item.event.type is EventType.SIGN_IN_ASKED
    ]
    found = await sign_ins.named(connection, wanted) if wanted else []
    return {str(one.id): one for one in found}


KEPT = timedelta(days=2)
"""A link that is over is remembered a little, to say so kindly in the words of its site."""


async def clear_out(database: Database, *, now: datetime) -> None:
    """Deletes links, sessions and counts that have been over for two days."""
    async with database.begin() as connection:
        for kept in (sign_ins, member_sessions, request_rates):
            await kept.sweep(connection, before=now - KEPT)
