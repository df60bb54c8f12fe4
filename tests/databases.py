"""Migrated databases that tests borrow: made once, emptied after each test.

To copy the template for each test costs more than most tests do, and 10 MB of disk each time. As
far as a test can see, nothing was ever written in its database: rows and counters are as new.
Whoever still talks to it when the test is over is cut off. A database whose schema a test has
changed is not lent again.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from anyio.from_thread import BlockingPortal, start_blocking_portal

from loyalty.store.embedded import EmbeddedPostgres

TEMPLATE = "template"

WATCH_THE_SCHEMA = """
create schema watched;
create table watched.changes (command text);
create function watched.note() returns event_trigger language plpgsql as
    'begin insert into watched.changes values (tg_tag); end';
create event trigger schema_changed on ddl_command_end execute function watched.note();
"""
"""What the template has besides: it notes that somebody changes the schema."""

BROKEN = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # the keeper was cut off by a test
    asyncpg.LockNotAvailableError,
)
"""What says that a test has left its database unusable."""

_EMPTY = """
do $$
declare found record;
begin
    -- What guards the books against everybody is put aside for this one transaction.
    perform set_config('session_replication_role', 'replica', true);
    for found in
        select oid::regclass as name from pg_class
        where relkind = 'r' and relnamespace = 'public'::regnamespace
          and relname <> 'alembic_version' and pg_relation_size(oid) > 0
    loop
        execute 'delete from ' || found.name;
    end loop;
    perform setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    from pg_sequences where schemaname = 'public' and last_value is not null;
end $$
"""

_CUT_OFF = """
select count(pg_terminate_backend(pid, 2000)) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
"""


class Shelf:
    """The databases of one process of the tests."""

    def __init__(self, server: EmbeddedPostgres, portal: BlockingPortal) -> None:
        self._server = server
        self._portal = portal
        self._keepers: dict[str, asyncpg.Connection] = {}
        self._free: deque[str] = deque()
        self._numbers = itertools.count(1)

    @contextmanager
    def lend(self) -> Iterator[str]:
        """The address of an empty, migrated database, for the run of the block."""
        name = self._free.popleft() if self._free else self._make()
        yield self._server.url(name)
        if self._portal.call(self._empty, name):
            self._free.append(name)

    def _make(self) -> str:
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self._server.psql(f"create database {name} template {TEMPLATE} strategy file_copy;")
        return name

    async def _empty(self, name: str) -> bool:
        """Whether it is as new; one that a test has broken is left behind."""
        try:
            keeper = self._keepers.get(name) or await self._keep(name)
            await keeper.execute(_CUT_OFF)
            if await keeper.fetchval("select count(*) from watched.changes"):
                return False
            await keeper.execute(_EMPTY)
        except BROKEN:
            return False
        return True

    async def _keep(self, name: str) -> asyncpg.Connection:
        keeper = await asyncpg.connect(self._server.url(name), timeout=5)
        await keeper.execute("set lock_timeout = '5s'")
        self._keepers[name] = keeper
        return keeper

    async def close(self) -> None:
        """Lets the databases go; they end with their server."""
        for keeper in self._keepers.values():
            keeper.terminate()


@contextmanager
def shelf(server: EmbeddedPostgres) -> Iterator[Shelf]:
    """A shelf for the session."""
    with start_blocking_portal() as portal:
        found = Shelf(server, portal)
        try:
            yield found
        finally:
            portal.call(found.close)
