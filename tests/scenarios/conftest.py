"""A database for scenarios, emptied before each case."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator

import pytest_asyncio

from deployments.scenario.stage import empty, opened
from loyalty.store.database import Database
from loyalty.store.embedded import EmbeddedPostgres

_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="module")
async def scenario_database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    """A migrated database for all cases of a module."""
    name = f"scenarios_{os.getpid()}_{next(_numbers)}"
    postgres.psql(f"create database {name} template template strategy file_copy;")
    async with opened(postgres.url(name)) as database:
        yield database


@pytest_asyncio.fixture
async def empty_database(scenario_database: Database) -> Database:
    """The same, with nothing in it."""
    await empty(scenario_database)
    return scenario_database
