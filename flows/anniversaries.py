"""The flow `anniversaries`: yearly days that have come, handed to `milestones`."""

from __future__ import annotations

from datetime import datetime

from prefect import flow, get_run_logger

from flows.runtime import runtime
from flows.yearly import celebrate


@flow(name="anniversaries", persist_result=False)
async def anniversaries(as_of: datetime | None = None) -> None:
    """Finds joining anniversaries and birthdays that have come since the last look.

    Days that passed while the hub was down are caught up. Each counts once a year, however
    often this runs; the `milestones` flow rewards it.

    Args:
        as_of: Look no further than this instant; empty for now, and never later than now, since
            nobody's points are booked before their day.
    """
    logger = get_run_logger()
    async with runtime() as hub:
        terms = await hub.terms()
        found = await celebrate(
            hub.database,
            terms.programme,
            now=min(as_of or hub.clock(), hub.clock()),
            progress=lambda so_far: logger.info("%d members looked at", so_far.members),
        )
    logger.info("%d yearly days due, %d of them new", found.due, found.new)
