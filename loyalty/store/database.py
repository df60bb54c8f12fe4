"""The way to PostgreSQL: one engine, JSON that keeps Decimals, errors that say what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import orjson
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

T = TypeVar("T")

PATIENCE_SECONDS = 120.0
"""How long `persist` keeps trying while PostgreSQL is away."""

STATEMENTS = 400
"""So many statements stay prepared on a connection (by default 100): one that is pushed out is
parsed and planned anew when it comes again."""


class StoreAway(Exception):
    """The database cannot be reached or went away; nothing was written, try again later."""


def dumps(value: Any) -> str:
    """JSON text; Decimals, UUIDs and models become what they read back from."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    if isinstance(value, BaseModel):
        # As text: a dict of it would be made only to be written out again.
        return orjson.Fragment(value.model_dump_json())
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def async_url(url: str) -> str:
    """The URL with the asyncpg driver, whatever way the user wrote it."""
    for prefix in ("postgresql+asyncpg://", "postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+asyncpg://" + url.removeprefix(prefix)
    raise ValueError("HUB_DATABASE_URL must be a postgresql:// address")


class Database:
    """A pool of connections to the hub's database."""

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        self.url = async_url(url)
        self.engine: AsyncEngine = create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=pool_size,
            json_serializer=dumps,
            json_deserializer=orjson.loads,
            pool_pre_ping=False,
            # The connection that was used last has most statements ready.
            pool_use_lifo=True,
            connect_args={
                "timeout": 5,
                "prepared_statement_cache_size": STATEMENTS,
                "server_settings": {"jit": "off"},
            },
        )

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end of the block, undone by an error.

        Raises:
            StoreAway: PostgreSQL is away; whatever the block did is undone.
        """
        with away_in_words():
            async with self.engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def look(self) -> AsyncIterator[AsyncConnection]:
        """A connection to read with: every statement sees what is committed by then.

        No transaction is begun and ended around them, which saves two round trips; what is
        written is kept at once.

        Raises:
            StoreAway: PostgreSQL is away.
        """
        with away_in_words():
            async with self.engine.connect() as connection:
                yield await connection.execution_options(isolation_level="AUTOCOMMIT")

    @property
    def driver_url(self) -> str:
        """The address for asyncpg itself, for what SQLAlchemy has no part in (LISTEN)."""
        return self.url.replace("postgresql+asyncpg://", "postgresql://", 1)

    async def persist(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Runs work that may be repeated in a transaction, again and again until it is through.

        For what must be written down because it has happened outside: whether a message was
        sent. The work must not mind being done twice, since a commit's answer can get lost.

        Raises:
            StoreAway: PostgreSQL stayed away for two minutes.
        """
        waited, pause = 0.0, 0.1
        while True:
            try:
                async with self.begin() as connection:
                    return await work(connection)
            except StoreAway:
                if waited > PATIENCE_SECONDS:
                    raise
                await asyncio.sleep(pause)
                waited, pause = waited + pause, min(pause * 2, 2.0)

    async def aclose(self) -> None:
        """Closes all connections."""
        await self.engine.dispose()


@contextmanager
def away_in_words() -> Iterator[None]:
    """Turns what SQLAlchemy or the driver says of an absent PostgreSQL into StoreAway."""
    try:
        yield
    except (OSError, InterfaceError, asyncpg.InterfaceError) as error:
        raise StoreAway("PostgreSQL cannot be reached") from error
    except asyncpg.PostgresError as error:
        # What goes wrong while connecting comes from the driver, not wrapped by SQLAlchemy.
        if is_going_away(error):
            raise StoreAway("PostgreSQL takes no connections at the moment") from error
        raise
    except DBAPIError as error:
        if error.connection_invalidated or is_going_away(error.orig):
            raise StoreAway("PostgreSQL went away in the middle of the work") from error
        raise


def is_going_away(error: BaseException | None) -> bool:
    """Whether the driver's error says that the server stops, starts or has no room.

    https://www.postgresql.org/docs/18/errcodes-appendix.html: 57P, 53 and 08.
    """
    state = str(getattr(error, "sqlstate", "") or "")
    return state.startswith(("57P", "53", "08"))
