"""What the gate said of each message, one row for each time, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.gate import Verdict
from loyalty.store.bulk import insert_rows, update_rows
from loyalty.store.tables import deliveries, verdicts

if TYPE_CHECKING:
    from loyalty.store.deliveries import Delivery

_STATES = {"send": "pending", "defer": "parked", "suppress": "suppressed"}


async def keep(connection: AsyncConnection, planned: Sequence[Delivery]) -> None:
    """Writes the verdicts on deliveries that were just planned."""
    rows = [_row(one, one.verdict, one.created_at) for one in planned if one.verdict is not None]
    await insert_rows(connection, verdicts, rows, tail="on conflict do nothing")


async def judged(connection: AsyncConnection, found: Sequence[Delivery], *, now: datetime) -> None:
    """Writes down what the gate said of messages just before they would have gone.

    Those that go stay as they are; the others give their leases back.
    """
    given = [(one, one.verdict) for one in found if one.verdict is not None]
    rows = [_row(one, verdict, now) for one, verdict in given]
    await insert_rows(connection, verdicts, rows, tail="on conflict do nothing")
    for delivery, verdict in given:
        delivery.state = _STATES[verdict.outcome]
        delivery.reason = verdict.told
        delivery.next_attempt_at = verdict.send_at
    stays = [
        {
            "id": one.id,
            "state": one.state,
            "reason": one.reason,
            "next_attempt_at": one.next_attempt_at,
            "owner": "",
            "lease_until": None,
        }
        for one, verdict in given
        if verdict.outcome != "send"
    ]
    await update_rows(connection, deliveries, "id", stays, where="and t.state = 'pending'")


def _row(delivery: Delivery, verdict: Verdict, at: datetime) -> dict[str, Any]:
    return {
        "delivery_id": delivery.id,
        "at": at,
        "outcome": verdict.outcome,
        "reason": verdict.reason.value if verdict.reason else "",
        "send_at": verdict.send_at,
        "known": verdict.known,
    }


_ON = text("""
select delivery_id, at, outcome, reason, send_at, known from verdicts
where delivery_id = any(cast(:ids as uuid[])) order by delivery_id, at
""")


async def verdicts_on(connection: AsyncConnection, ids: Collection[UUID]) -> list[Any]:
    """Every verdict on these deliveries, oldest first."""
    return list((await connection.execute(_ON, {"ids": sorted(ids)})).all())
