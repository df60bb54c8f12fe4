"""One PostgreSQL for the session; a fresh database, copied from a migrated one, for each test."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

from loyalty.store.database import Database
from loyalty.store.embedded import EmbeddedPostgres
from loyalty.store.migrate import migrate

pytest_plugins = ["tests.running_hub"]

LAST = ("tests/browser/", "tests/system/")
"""What needs the session's hub comes last, so that everything else has failed by then."""

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """The session's PostgreSQL, with a migrated database named `template`."""
    home = tmp_path_factory.mktemp("hub")
    server = EmbeddedPostgres(Path(home))
    server.start()
    # Nothing here outlives the machine, and a fresh database for each test is written out whole.
    server.psql("alter system set fsync = off;")
    server.psql("select pg_reload_conf();")
    server.create_databases()
    server.psql("create database template;")

    async def prepare() -> None:
        template = Database(server.url("template"))
        await migrate(template)
        await template.aclose()

    asyncio.run(prepare())
    yield server
    server.stop()


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> str:
    """The address of a fresh, migrated database."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    postgres.psql(f"create database {name} template template strategy file_copy;")
    return postgres.url(name)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated database."""
    found = Database(database_url)
    yield found
    await found.aclose()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first, then the browser, then the system tests, which kill processes."""
    items.sort(key=lambda item: (_turn(item.nodeid), "durability" in item.keywords))


def _turn(node: str) -> int:
    return next((turn for turn, folder in enumerate(LAST, 1) if node.startswith(folder)), 0)
