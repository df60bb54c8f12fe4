"""How an event ended that a page has just kept, for people who wait for the answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sqlalchemy import text

from loyalty.store.database import Database

PAUSES = (0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.4, 0.4, 0.5)
"""Bit by bit two seconds: as long as somebody watches a page."""

_STATE = text("""
select state, coalesce(outcome ->> 'code', '') as code from inbox where business_key = :key
""")


@dataclass(frozen=True, slots=True)
class Ended:
    """How an event ended: `done`, or `refused` or `failed` with a code."""

    state: str
    code: str

    @property
    def is_done(self) -> bool:
        """Whether it is in the books."""
        return self.state == "done"


async def outcome_of(database: Database, business_key: str) -> Ended | None:
    """How the event ended; None where it still waits after two seconds, or for something else."""
    for pause in PAUSES:
        async with database.begin() as connection:
            row = (await connection.execute(_STATE, {"key": business_key})).first()
        if row is not None and row.state in ("done", "refused", "failed"):
            return Ended(row.state, row.code)
        if row is not None and row.state == "parked":
            return None
        await asyncio.sleep(pause)
    return None
