"""The gateway on a fresh database, with somebody at its console and a desk that books."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest_asyncio

from flows.booking import Booked, Terms
from loyalty.links import Links
from loyalty.store import rulebook
from loyalty.store.database import Database
from tests.flows.booking.desk import FLAT, Desk
from tests.gateway.conftest import Running, running
from tests.gateway.visitor import Visitor


@dataclass
class BusyDesk(Desk):
    """A desk at which one batch is worked off at a time, so that a test's own is over when told."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    links: Links | None = None

    def terms(self) -> Terms:
        """Under what the next batch is booked, with links in its messages."""
        terms = super().terms()
        return replace(terms, planner=replace(terms.planner, links=self.links))

    async def work_off(self, *, limit: int = 1000) -> list[Booked]:
        """Books until nothing waits."""
        async with self.turn:
            return await super().work_off(limit=limit)


@pytest_asyncio.fixture
async def hub(database: Database, tmp_path: Path) -> AsyncIterator[Running]:
    """A gateway without connections."""
    async with running(database, tmp_path) as found:
        yield found


@pytest_asyncio.fixture
async def visitor(hub: Running, tmp_path: Path) -> Visitor:
    """Ines, who is signed in."""
    found = Visitor(hub, tmp_path)
    assert (await found.sign_in()).status_code == 303
    return found


@pytest_asyncio.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    """Books whatever the gateway takes in, as a worker does."""
    found = BusyDesk(database, now=datetime.now(UTC))
    async with database.begin() as connection:
        await rulebook.save_programme(connection, FLAT, now=found.now)
    await found.publish(found.rules)
    async with _at_work(found):
        yield found


@asynccontextmanager
async def _at_work(desk: Desk) -> AsyncIterator[None]:
    async def work() -> None:
        while True:
            desk.now = datetime.now(UTC)
            await desk.work_off()
            await asyncio.sleep(0.02)

    task = asyncio.create_task(work())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
