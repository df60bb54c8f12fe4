"""A house on a fresh database."""

from __future__ import annotations

import pytest_asyncio

from loyalty.store.database import Database
from tests.flows.simulation.house import House


@pytest_asyncio.fixture
async def house(database: Database) -> House:
    """One point per euro, no tiers, no caps."""
    return await House(database).open()
