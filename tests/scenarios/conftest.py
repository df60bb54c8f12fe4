"""A database for scenarios, emptied before each case."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from deployments.scenario.stage import empty, opened
from loyalty.store.database import Database
from loyalty.store.embedded import EmbeddedPostgres


@pytest_asyncio.fixture(scope="module")
async def scenario_database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    """A migrated database for all cases of a module."""
    postgres.psql("drop database if exists scenarios with (force);")
    postgres.psql("create database scenarios template template;")
    async with opened(postgres.url("scenarios")) as database:
        yield database


@pytest_asyncio.fixture
async def empty_database(scenario_database: Database) -> Database:
    """The same, with nothing in it."""
    await empty(scenario_database)
    return scenario_database
