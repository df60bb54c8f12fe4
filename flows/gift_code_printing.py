"""Makes the codes of a print job: in blocks, so that a job that was stopped goes on.

No Prefect here: the flow `generate-gift-codes` calls it, and so do the command and tests.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.gift_code_plans import PrintPlan
from loyalty.gift_codes import bodies
from loyalty.store import gift_code_batches
from loyalty.store.database import Database
from loyalty.store.gift_code_batches import NewCode

BLOCK = 5_000
"""Codes of a transaction."""


@dataclass(frozen=True, slots=True)
class Made:
    """How far a print job has come."""

    batch_id: UUID
    made: int
    wanted: int

    @property
    def percent(self) -> float:
        """Of the codes that are wanted."""
        return round(self.made / self.wanted * 100, 1)


Told = Callable[[Made], Awaitable[None]]


async def generate(
    database: Database,
    plan: PrintPlan,
    *,
    by: str,
    clock: Callable[[], datetime],
    told: Told | None = None,
) -> Made:
    """Makes the codes of a plan, or those of them that are not made yet.

    Args:
        told: Told after every block.

    Raises:
        ValueError: Another batch has the plan's name.
    """
    now = clock()
    batch_id = await database.persist(
        lambda connection: gift_code_batches.create_once(connection, plan, by=by, now=now)
    )
    while True:
        made = await database.persist(lambda connection: _block(connection, batch_id, plan))
        if told is not None:
            await told(made)
        if made.made >= made.wanted:
            return made


async def _block(connection: AsyncConnection, batch_id: UUID, plan: PrintPlan) -> Made:
    made, wanted = await gift_code_batches.lock_made(connection, batch_id)
    count = min(BLOCK, wanted - made)
    shape = plan.shape
    codes = {shape.code(body) for body in bodies(_noise(count, shape.length), shape.length)}
    new = await gift_code_batches.add(
        connection,
        batch_id,
        [NewCode(code, shape.shown(code), plan.points) for code in codes],
    )
    return Made(batch_id, made + len(new), wanted)


def _noise(count: int, length: int) -> Iterator[bytes]:
    for _ in range(count):
        yield secrets.token_bytes(length)
