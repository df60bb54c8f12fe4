"""One PostgreSQL for the session; an empty, migrated database of it for each test."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a script: the servers started here are stopped by SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)

from loyalty.store.database import Database
from loyalty.store.embedded import EmbeddedPostgres
from loyalty.store.migrate import migrate
from tests.databases import TEMPLATE, WATCH_THE_SCHEMA, Shelf, shelf

pytest_plugins = ["tests.running_hub"]

LAST = ("tests/browser/", "tests/system/")
"""What needs the session's hub comes last, so that everything else has failed by then."""


@pytest.fixture(scope="session")
def postgres(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> EmbeddedPostgres:
    """The session's PostgreSQL, with a migrated database named `template`.

    Processes that share the tests (`-n 2`) share the server too: the first to come makes it,
    and pytest's own process stops it (`pytest_sessionfinish`).
    """
    home = _shared_home(request.config, tmp_path_factory.getbasetemp())
    home.mkdir(exist_ok=True)
    server = EmbeddedPostgres(home)
    with (home / "being-made").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server.start()
        if f" {TEMPLATE}\n" not in server.psql("select datname from pg_database;"):
            _prepare(server)
    return server


def _shared_home(config: pytest.Config, basetemp: Path) -> Path:
    return (basetemp.parent if hasattr(config, "workerinput") else basetemp) / "shared-hub"


def _prepare(server: EmbeddedPostgres) -> None:
    # Nothing here outlives the machine, and a fresh database for each test is written out whole.
    server.psql("alter system set fsync = off;")
    server.psql("select pg_reload_conf();")
    server.create_databases()
    server.psql("create database made;")

    async def prepare() -> None:
        made = Database(server.url("made"))
        await migrate(made)
        await made.aclose()

    asyncio.run(prepare())
    server.psql(f"\\c made\n{WATCH_THE_SCHEMA}")
    server.psql(f"alter database made rename to {TEMPLATE};")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stops the PostgreSQL that the tests shared."""
    factory = getattr(session.config, "_tmp_path_factory", None)
    if factory is None or hasattr(session.config, "workerinput"):
        return
    home = _shared_home(session.config, factory.getbasetemp())
    if home.exists():
        EmbeddedPostgres(home).stop()


@pytest.fixture(scope="session")
def databases(postgres: EmbeddedPostgres) -> Iterator[Shelf]:
    """The databases that this process lends to its tests."""
    with shelf(postgres) as found:
        yield found


@pytest.fixture
def database_url(databases: Shelf) -> Iterator[str]:
    """The address of an empty, migrated database."""
    with databases.lend() as url:
        yield url


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty, migrated database."""
    found = Database(database_url)
    yield found
    await found.aclose()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first, then the browser, then the system tests, which kill processes."""
    items.sort(key=lambda item: (_turn(item.nodeid), "durability" in item.keywords))


def pytest_collection_finish() -> None:
    """Tests and modules are there to the end: looking through thousands of them for garbage
    makes everything stand still for a moment, also whatever waits for an answer."""
    gc.collect()
    gc.freeze()


def _turn(node: str) -> int:
    return next((turn for turn, folder in enumerate(LAST, 1) if node.startswith(folder)), 0)
