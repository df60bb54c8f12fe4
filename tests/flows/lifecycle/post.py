"""Deliveries as the planner makes them, handed over and reported on without a vendor."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from loyalty.store import deliveries, delivery_lists
from loyalty.store.database import Database
from loyalty.store.deliveries import Delivery, Outcome
from loyalty.store.ids import new_id

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CHANNELS = {"sms": ("twilio", "send_sms"), "email": ("smtp", "send_email")}


def step(channel: str, *, key: str = "m", state: str = "pending", **more: Any) -> Delivery:
    """A message on a channel, planned at noon."""
    connector, action = CHANNELS[channel]
    return Delivery(
        id=new_id(NOON),
        key=f"{key}:{channel}",
        capability=channel,
        input={"to": channel} if state != "suppressed" else {},
        state=state,
        created_at=NOON,
        connector=connector,
        connection="main",
        action=action,
        target=f"{channel} of {key}",
        **more,
    )


async def plan(database: Database, *planned: Delivery) -> None:
    """Writes deliveries."""
    async with database.begin() as connection:
        await deliveries.plan(connection, planned)


async def send(database: Database, *sent: UUID, at: datetime = NOON, state: str = "sent") -> None:
    """Ends the attempts of deliveries; the vendor calls a message by its delivery's id."""
    async with database.begin() as connection:
        found = await delivery_lists.search(
            connection, delivery_lists.Search(ids=tuple(sent), limit=10_000)
        )
        outcomes = [
            Outcome(one, state, at, at, vendor_id=str(one.id) if state == "sent" else "")
            for one in found
        ]
        await deliveries.finish(connection, outcomes)


async def rows(database: Database, query: str, **values: Any) -> list[Any]:
    """The rows of a query."""
    async with database.begin() as connection:
        return list((await connection.execute(text(query), values)).all())
