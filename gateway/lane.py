"""One driver connection that commits groups of events, made anew whenever it breaks."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from loyalty.store import inbox
from loyalty.store.database import away_in_words
from loyalty.store.inbox import Incoming

CONNECT_SECONDS = 5.0

_SETTINGS = {"jit": "off", "client_connection_check_interval": "2s"}
"""A back end whose client gave up ends by itself, rather than wait on and on for a lock."""


class Lane:
    """Commits one group at a time.

    A connection of its own, past the pool: what it carries is one prepared statement, over
    and over, and the pool's share would be most of the cost of a small commit.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def accept(self, incoming: Sequence[Incoming]) -> set[str]:
        """The business keys that are new, once they are committed.

        Raises:
            StoreAway: PostgreSQL is away or went away; whether it committed is not known.
            asyncpg.PostgresError: The server refuses the statement or a row.
            ValueError: A text cannot be encoded.
        """
        try:
            with away_in_words():
                return await inbox.accept_alone(await self._connected(), incoming)
        except asyncpg.PostgresError:
            raise  # the server answered: the connection is as good as before
        except BaseException:
            # Away, or cancelled in mid-statement: what state it is in is not known.
            self.drop()
            raise

    def drop(self) -> None:
        """Closes the connection without waiting for the server."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _connected(self) -> asyncpg.Connection[asyncpg.Record]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._url, timeout=CONNECT_SECONDS, server_settings=_SETTINGS
            )
        return self._connection
