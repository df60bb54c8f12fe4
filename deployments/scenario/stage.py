"""A database for scenarios: made for the run, emptied between cases, thrown away afterwards.

The hub's own database is never opened. Without an address, PostgreSQL is started from the wheel
in a temporary folder; with one, a database of its own is created on that server.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
from sqlalchemy import text
from sqlalchemy.engine import make_url

from deployments.scenario.translate import ROUTES
from loyalty.store.database import Database
from loyalty.store.embedded import EmbeddedPostgres
from loyalty.store.migrate import migrate
from loyalty.store.tables import metadata

POOL = 20
"""Connections: so many parts of a concurrent step, and some to look on."""

_KEPT = {"connections"}
_TABLES = [name for name in metadata.tables if name not in _KEPT]

_DELETES = "".join(f"delete from {name};" for name in _TABLES)  # noqa: S608 - our own tables
_EMPTY = "\n".join(
    (
        "do $$ begin",
        "perform set_config('session_replication_role', 'replica', true);",
        _DELETES,
        "end $$",
    )
)
"""Rows of a few cases are deleted far sooner than two dozen tables are truncated. Triggers and
foreign keys guard the books against everybody, so they are put aside for it."""

_TRUNCATE = f"truncate {', '.join(_TABLES)} cascade"
_NOT_ALLOWED = "42501"


@asynccontextmanager
async def stage(url: str = "", *, count: int = 2) -> AsyncIterator[list[Database]]:
    """Empty, migrated databases for the run of the block.

    Args:
        count: How many; so many cases can be played at once.
        url: A PostgreSQL server on which a database may be created; one of our own by default.

    Raises:
        asyncpg.PostgresError: The server refuses.
        PostgresFailed: Our own server cannot be started.
    """
    if not url:
        with _own_server() as server:
            async with _all_opened(await _migrated(server, count)) as found:
                yield found
        return
    async with _borrowed(url, count) as urls, _all_opened(urls) as found:
        yield found


async def _migrated(server: EmbeddedPostgres, count: int) -> list[str]:
    """Makes databases on our own server: the first is migrated, the others are copied from it."""
    names = [f"scenarios_{at}" for at in range(count)]
    server.psql(f"create database {names[0]};")
    first = Database(server.url(names[0]))
    try:
        await migrate(first)
    finally:
        await first.aclose()
    for name in names[1:]:
        server.psql(f"create database {name} template {names[0]} strategy file_copy;")
    return [server.url(name) for name in names]


@asynccontextmanager
async def _all_opened(urls: Sequence[str]) -> AsyncIterator[list[Database]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(opened(url)) for url in urls]


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """A database at an address, brought to the schema, with the vendors of the scenarios."""
    database = Database(url, pool_size=POOL)
    try:
        await migrate(database)
        await furnish(database)
        yield database
    finally:
        await database.aclose()


async def furnish(database: Database) -> None:
    """Adds the connections through which a scenario's messages go."""
    async with database.begin() as connection:
        for slug in (one for routes in ROUTES.values() for one in routes):
            connector, _, name = slug.partition("/")
            await connection.execute(
                text("""
                    insert into connections (connector, name, state, sealed, fingerprint,
                                             updated_at)
                    values (:connector, :name, 'active', '', 'scenario', now())
                    on conflict do nothing
                """),
                {"connector": connector, "name": name},
            )


async def empty(database: Database) -> None:
    """Forgets everything that happened in a case."""
    try:
        async with database.begin() as connection:
            await connection.execute(text(_EMPTY))
    except Exception as error:
        if getattr(getattr(error, "orig", None), "sqlstate", "") != _NOT_ALLOWED:
            raise
        async with database.begin() as connection:
            await connection.execute(text(_TRUNCATE))


@contextmanager
def _own_server() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory(prefix="hub-scenarios-") as folder:
        # The library writes its lock once more when the process ends; what is registered before
        # it is called after it.
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        server = EmbeddedPostgres(Path(folder))
        server.start()
        try:
            # Nothing here outlives the run.
            server.psql("alter system set fsync = off;")
            server.psql("alter system set synchronous_commit = off;")
            server.psql("alter system set full_page_writes = off;")
            # A handful of rows: any plan will do, and planning again took longer than running.
            server.psql("alter system set plan_cache_mode = force_generic_plan;")
            server.psql("select pg_reload_conf();")
            yield server
        finally:
            server.stop(at_once=True)


@asynccontextmanager
async def _borrowed(url: str, count: int) -> AsyncIterator[list[str]]:
    """The addresses of databases of our own on somebody's server, dropped afterwards."""
    plain = url.replace("postgresql+asyncpg://", "postgresql://", 1)
    names = [f"hub_scenarios_{os.getpid()}_{at}" for at in range(count)]
    keeper = await asyncpg.connect(plain)
    try:
        for name in names:
            await keeper.execute(f'create database "{name}"')
        address = make_url(plain)
        yield [address.set(database=name).render_as_string(hide_password=False) for name in names]
    finally:
        for name in names:
            await keeper.execute(f'drop database if exists "{name}" with (force)')
        await keeper.close()
