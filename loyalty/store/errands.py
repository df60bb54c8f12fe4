"""Errands: runs of Prefect deployments that are asked for by whoever does not know Prefect.

Asking is a row in the transaction of the one who asks. A worker starts the run with the
errand's key as Prefect's idempotency key, so that a crash between the two makes no second run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store.tables import errands

BELL = "hub_errands"
"""The NOTIFY channel on which a new errand is told."""

MOST_ATTEMPTS = 8
"""How often Prefect may answer with an error before a person has to look."""

LEASE = timedelta(minutes=1)
"""How long a worker may take to start a run; two that do it at once start the same run."""

LONGEST_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Errand:
    """A run that was asked for.

    Attributes:
        deployment: As Prefect names it: `flow/deployment`, or the deployment's name alone.
        state: asked, started (there is a run) or failed (problem says why).
    """

    key: str
    deployment: str
    parameters: Mapping[str, Any]
    state: str
    run_id: UUID | None
    attempts: int
    problem: str
    asked_at: datetime
    due_at: datetime
    ended_at: datetime | None


async def ask(
    connection: AsyncConnection,
    *,
    deployment: str,
    parameters: Mapping[str, Any],
    key: str,
    now: datetime,
) -> None:
    """Has a run of the deployment started once the transaction commits; once for each key.

    Args:
        key: What makes it this errand: `campaign:spring:send`. The same again changes nothing.
        parameters: Those of the flow, as JSON can hold them.
    """
    fresh = await connection.execute(
        insert(errands)
        .values(key=key, deployment=deployment, parameters=parameters, asked_at=now, due_at=now)
        .on_conflict_do_nothing()
        .returning(errands.c.key)
    )
    if fresh.first() is not None:
        await _ring(connection, key)


_TAKE = text("""
with due as (
    select key from errands where state = 'asked' and due_at <= :now
    order by asked_at, key limit :limit for update skip locked
)
update errands t set due_at = cast(:now as timestamptz) + cast(:lease as interval)
from due where t.key = due.key returning t.*
""")


async def take(connection: AsyncConnection, *, now: datetime, limit: int = 10) -> list[Errand]:
    """Leases what is due: whoever takes it dies, and another takes it when the lease is over."""
    rows = await connection.execute(_TAKE, {"now": now, "limit": limit, "lease": LEASE})
    return sorted((_errand(row) for row in rows), key=lambda one: (one.asked_at, one.key))


async def started(connection: AsyncConnection, key: str, *, run_id: UUID, now: datetime) -> None:
    """Notes the run of an errand that was taken."""
    await connection.execute(
        errands.update()
        .where(errands.c.key == key, errands.c.state == "asked")
        .values(state="started", run_id=run_id, problem="", ended_at=now)
    )


async def not_started(
    connection: AsyncConnection,
    errand: Errand,
    *,
    problem: str,
    now: datetime,
    is_final: bool = False,
) -> None:
    """Notes why there is no run, and when it is tried again; after so many tries it is not."""
    tries = errand.attempts + 1
    is_over = is_final or tries >= MOST_ATTEMPTS
    pause = min(timedelta(seconds=2**tries), LONGEST_PAUSE)
    await connection.execute(
        errands.update()
        .where(errands.c.key == errand.key, errands.c.state == "asked")
        .values(
            state="failed" if is_over else "asked",
            attempts=tries,
            problem=problem[:500],
            due_at=now + pause,
            ended_at=now if is_over else None,
        )
    )


async def ask_again(connection: AsyncConnection, key: str, *, now: datetime) -> bool:
    """A person's word that a failed errand is to be tried again; False where it is not failed."""
    row = await connection.execute(
        errands.update()
        .where(errands.c.key == key, errands.c.state == "failed")
        .values(state="asked", attempts=0, problem="", due_at=now, ended_at=None)
        .returning(errands.c.key)
    )
    is_asked = row.first() is not None
    if is_asked:
        await _ring(connection, key)
    return is_asked


async def latest(connection: AsyncConnection, *, limit: int = 20) -> list[Errand]:
    """The errands asked for last, those that failed first."""
    wanted = (
        errands.select()
        .order_by((errands.c.state == "failed").desc(), errands.c.asked_at.desc())
        .limit(limit)
    )
    return [_errand(row) for row in await connection.execute(wanted)]


async def find(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Errand]:
    """Those of these errands that were asked for, by key."""
    rows = await connection.execute(errands.select().where(errands.c.key.in_(keys)))
    return {row.key: _errand(row) for row in rows}


async def _ring(connection: AsyncConnection, key: str) -> None:
    await connection.execute(text("select pg_notify(:bell, :key)"), {"bell": BELL, "key": key})


def _errand(row: Any) -> Errand:
    return Errand(**row._mapping)
