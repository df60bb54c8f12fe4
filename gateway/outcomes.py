"""How an event ended that a page has just kept, for people who wait for the answer."""

from __future__ import annotations

import asyncio

from loyalty.store.database import Database
from loyalty.store.member_records import EventOutcome
from loyalty.store.member_records import outcome_of as stored_outcome

PAUSES = (0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.4, 0.4, 0.5)
"""Bit by bit two seconds: as long as somebody watches a page."""


async def outcome_of(database: Database, business_key: str) -> EventOutcome | None:
    """How the event ended: `done`, `refused`, `failed`, or `parked` until something else comes.

    None where nobody has worked it off within two seconds.
    """
    for pause in PAUSES:
        async with database.begin() as connection:
            found = await stored_outcome(connection, business_key)
        if found is not None and found.state != "waiting":
            return found
        await asyncio.sleep(pause)
    return None
