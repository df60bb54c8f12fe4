"""The home and the database: there, reachable, at this version's schema; and what stands in it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from deployments.cli import queries
from deployments.cli.answers import Failure
from deployments.cli.checks.finding import Finding, note, ok, problem
from deployments.cli.desk import home_of, open_store, store_failure
from deployments.cli.queries import Budget, KeptRequests
from loyalty.programme import Programme
from loyalty.settings import HubSettings
from loyalty.store import connections, inbox, rulebook, workers
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database, StoreAway
from loyalty.store.deliveries import ALIVE
from loyalty.store.migrate import alembic_config
from loyalty.store.tallies import Tally, tally


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the checks need of the store, read in one transaction."""

    now: datetime
    connections: Sequence[StoredConnection]
    programme: Programme
    rules_version: str
    budgets: Mapping[str, Budget]
    workers: Sequence[str]
    paused: frozenset[str]
    waiting: Mapping[str, int]
    events: Mapping[str, int]
    tally: Sequence[Tally]
    kept: Sequence[KeptRequests]


def check_home(settings: HubSettings) -> Finding:
    """Whether HUB_HOME is there and may be written to."""
    home = home_of(settings)
    if not home.exists():
        text = f"{home} is not there yet"
        if settings.database_url:
            return note("home", text, "`hub up` makes it; HUB_HOME names another")
        return problem("home", text, "start the hub with `hub up`, or set HUB_HOME")
    if not home.is_dir() or not os.access(home, os.W_OK | os.X_OK):
        return problem("home", f"{home} cannot be written to", "give this user the folder")
    return ok("home", str(home))


async def look_into(settings: HubSettings, now: datetime) -> tuple[list[Finding], Snapshot | None]:
    """Findings on the database, and what stands in it where it can be read."""
    try:
        database = open_store(settings)
    except Failure as failure:
        return [problem("database", failure.says, failure.to_do)], None
    try:
        return await _examine(database, now)
    except (StoreAway, asyncpg.PostgresError, DBAPIError) as error:
        trouble = store_failure(settings, error)
        return [problem("database", trouble.says, trouble.to_do)], None
    finally:
        await database.aclose()


async def _examine(database: Database, now: datetime) -> tuple[list[Finding], Snapshot | None]:
    async with database.begin() as connection:
        version = (await connection.execute(text("show server_version"))).scalar_one()
        present = await connection.run_sync(_revisions)
    wanted = set(ScriptDirectory.from_config(alembic_config()).get_heads())
    server = f"PostgreSQL {version.split()[0]}"
    if present != wanted:
        says = f"{server}, schema {_names(present)}, but this version needs {_names(wanted)}"
        return [problem("database", says, "`hub up` migrates it")], None
    snapshot = await read_snapshot(database, now)
    return [ok("database", f"{server}, schema {_names(present)}"), *_about(snapshot)], snapshot


def _revisions(connection: Connection) -> set[str]:
    return set(MigrationContext.configure(connection).get_current_heads())


def _names(revisions: set[str]) -> str:
    return ", ".join(sorted(revisions)) or "none"


async def read_snapshot(database: Database, now: datetime) -> Snapshot:
    """Reads what the checks need."""
    async with database.begin() as connection:
        active = await rulebook.active(connection)
        return Snapshot(
            now=now,
            connections=await connections.load(connection),
            programme=await rulebook.programme(connection),
            rules_version=active[0] if active else "",
            budgets=await queries.all_budgets(connection),
            workers=await workers.living(connection, now=now, alive=ALIVE),
            paused=frozenset(await workers.paused_triggers(connection)),
            waiting=await inbox.waiting(connection, now=now),
            events=await inbox.states(connection),
            tally=await tally(connection),
            kept=await queries.kept_requests(connection),
        )


def _about(snapshot: Snapshot) -> list[Finding]:
    findings = []
    if snapshot.rules_version:
        findings.append(ok("rules", f"version {snapshot.rules_version} is in force"))
    else:
        findings.append(
            problem("rules", "none are published", "`hub up` publishes the shipped ones")
        )
    seconds = int(ALIVE.total_seconds())
    if snapshot.workers:
        findings.append(ok("workers", f"alive: {', '.join(snapshot.workers)}"))
    else:
        says = f"none was seen in the last {seconds} s: events wait, nothing is sent"
        findings.append(problem("workers", says, "start the hub with `hub up`"))
    return findings


def key_file(settings: HubSettings) -> Path:
    """Where the key that seals credentials is kept."""
    return home_of(settings) / "secret.key"
