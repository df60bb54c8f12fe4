"""Through which a story is looked at: one connection for the whole of a case.

A step is followed by half a dozen readings. With a transaction and a place in the pool for each of
them, beginning and ending took more time than the readings.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store.database import Database


class Window:
    """Looks at a database without transactions: every statement sees what is committed by then.

    Args:
        connection: Its own for the whole of a case (`Database.look`).
    """

    def __init__(self, database: Database, connection: AsyncConnection) -> None:
        self._database = database
        self._connection = connection
        self._is_taken = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncConnection]:
        """The connection; one of their own for those that look while somebody else does.

        So parts of a concurrent step stay on separate connections.
        """
        if self._is_taken:
            async with self._database.look() as another:
                yield another
            return
        self._is_taken = True
        try:
            yield self._connection
        finally:
            self._is_taken = False
