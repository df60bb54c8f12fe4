"""What waits in the database, counted at most every few seconds however many ask."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from gateway.stack import stack_of
from loyalty.events import TRIGGERS
from loyalty.store import inbox, workers
from loyalty.store.database import Database, StoreAway
from loyalty.store.tallies import Tally, tally

logger = logging.getLogger("hub.gateway")

KEEP_SECONDS = 5.0
COUNT_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many events wait for a trigger, and whether its deployment is paused."""

    trigger: str
    count: int
    is_paused: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """The counts of one moment.

    Attributes:
        waiting: Every trigger, also those for which nothing waits.
        problem: Why they could not be read; the others are the latest known then.
    """

    waiting: Sequence[Waiting] = ()
    deliveries: Sequence[Tally] = ()
    problem: str = ""
    read_at: datetime | None = None


class FiguresDesk:
    """Hands out the figures; a query runs only where the last one is older than 5 s."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._latest = Figures()
        self._counted_at = -KEEP_SECONDS
        self._counting = asyncio.Lock()

    async def latest(self) -> Figures:
        """The figures, at most some seconds old; never an error."""
        async with self._counting:
            if monotonic() - self._counted_at >= KEEP_SECONDS:
                self._latest = await self._count()
                self._counted_at = monotonic()
        return self._latest

    async def _count(self) -> Figures:
        now = self._clock()
        try:
            async with asyncio.timeout(COUNT_SECONDS + 2), self._database.begin() as connection:
                await connection.execute(text(f"set local statement_timeout = '{COUNT_SECONDS}s'"))
                waiting = await inbox.waiting(connection, now=now)
                paused = await workers.paused_triggers(connection)
                tallies = await tally(connection)
        except (StoreAway, TimeoutError):
            return replace(self._latest, problem="the database is away")
        except SQLAlchemyError as error:
            logger.error("the figures cannot be counted: %s", stack_of(error))
            return replace(self._latest, problem="the database could not count in time")
        return Figures(_by_trigger(waiting, paused), tallies, read_at=now)


def _by_trigger(waiting: dict[str, int], paused: set[str]) -> list[Waiting]:
    names = [*TRIGGERS, *sorted((waiting.keys() | paused) - TRIGGERS.keys())]
    return [Waiting(name, waiting.get(name, 0), name in paused) for name in names]
