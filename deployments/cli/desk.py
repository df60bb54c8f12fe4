"""The store as commands open it: for one answer, with errors that say what to do."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import asyncpg
from pydantic import ValidationError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from deployments.cli.answers import Failure, unusable
from flows.clients import first_problem
from flows.runtime import database_url, wall_clock
from loyalty.settings import HubSettings
from loyalty.store.database import Database, StoreAway

T = TypeVar("T")

_NOT_MIGRATED = ("42P01", "42703")
"""An undefined table or column: the schema is older than the program."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command works with: the store, and the instant of the command."""

    settings: HubSettings
    database: Database
    now: datetime


def read_settings() -> HubSettings:
    """The settings of this environment; a Failure names the variable that is wrong."""
    try:
        return HubSettings()
    except ValidationError as error:
        name, _, why = first_problem(error).partition(": ")
        raise unusable(f"HUB_{name.upper()} is wrong", why) from None


def at_desk(work: Callable[[Desk], Awaitable[T]]) -> T:
    """Does one command's work with the store.

    Raises:
        Failure: The store cannot be reached or used; the text says what to do.
    """
    settings = read_settings()
    return asyncio.run(_with_store(settings, work))


async def _with_store(settings: HubSettings, work: Callable[[Desk], Awaitable[T]]) -> T:
    database = open_store(settings)
    try:
        return await work(Desk(settings, database, wall_clock()))
    except (StoreAway, asyncpg.PostgresError, DBAPIError) as error:
        raise store_failure(settings, error) from None
    finally:
        await database.aclose()


def open_store(settings: HubSettings) -> Database:
    """The store at its address; nothing is connected yet, and no HUB_HOME is made."""
    home = home_of(settings)
    if not settings.database_url and not (home / "database.url").exists():
        raise Failure(
            f"there is no hub in {home}",
            "start it with `hub up`, or set HUB_HOME or HUB_DATABASE_URL",
        )
    try:
        return Database(database_url(settings))
    except (ValueError, ArgumentError):
        # The text of these errors repeats the address, and with it the password.
        raise unusable(
            "HUB_DATABASE_URL cannot be read", "write postgresql://user:password@host/database"
        ) from None


def home_of(settings: HubSettings) -> Path:
    """HUB_HOME without making it."""
    return settings.home.expanduser().resolve()


def store_failure(settings: HubSettings, error: Exception) -> Failure:
    """Why the store cannot be used, and what to do, without the password."""
    state = str(getattr(getattr(error, "orig", error), "sqlstate", "") or "")
    if state in _NOT_MIGRATED:
        return Failure("the database is not at this version's schema", "`hub up` migrates it")
    if not isinstance(error, StoreAway):
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        return Failure(f"PostgreSQL refuses: {reason}", "see that HUB_DATABASE_URL is right")
    if settings.database_url:
        return Failure(
            f"PostgreSQL does not answer at {_place(settings)}",
            "see that it runs and that HUB_DATABASE_URL is right",
        )
    return Failure(
        f"the embedded PostgreSQL of {home_of(settings)} does not run", "start it with `hub up`"
    )


def _place(settings: HubSettings) -> str:
    url = make_url(settings.database_url)
    host = url.host or str(url.query.get("host", "the local socket"))
    return f"{host}{f':{url.port}' if url.port else ''}/{url.database or ''}"


def actor() -> str:
    """Who acts, for the audit log: the name of the user of this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown user"
