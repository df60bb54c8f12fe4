"""OAuth tokens of connections: sealed at rest, renewed by one worker at a time.

A lease is a row with an end, not a transaction held open while a vendor is asked. It is judged
by PostgreSQL's clock alone, since the workers' clocks may differ.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from sqlalchemy import text

from loyalty.store.database import Database
from loyalty.store.vault import Vault


class StoredTokens:
    """The token of one connection, as the connectors' token keeper asks for it.

    Args:
        connection: `quickbooks/main`.
    """

    def __init__(self, database: Database, vault: Vault, connection: str) -> None:
        self._database = database
        self._vault = vault
        self._connection = connection
        self._owner = uuid4().hex

    async def read(self) -> dict[str, Any] | None:
        """What was saved last; VaultError where it was sealed with another key."""
        async with self._database.begin() as connection:
            sealed = await connection.scalar(
                text("select sealed from tokens where connection = :name"),
                {"name": self._connection},
            )
        return self._vault.open(sealed) if sealed is not None else None

    async def lease(self, seconds: float) -> bool:
        """Whether this holder alone may renew, until it gives it back or the time is over."""
        async with self._database.begin() as connection:
            taken = await connection.execute(
                text("""
                    insert into tokens (connection, owner, lease_until, updated_at)
                    values (:name, :owner, clock_timestamp() + make_interval(secs => :seconds),
                            clock_timestamp())
                    on conflict (connection) do update
                    set owner = excluded.owner, lease_until = excluded.lease_until
                    where tokens.lease_until is null
                       or tokens.lease_until <= clock_timestamp()
                """),
                {"name": self._connection, "owner": self._owner, "seconds": seconds},
            )
        return bool(taken.rowcount)

    async def save(self, content: dict[str, Any]) -> None:
        """Commits the new token; tried for two minutes, since its refresh token exists once."""
        sealed = self._vault.seal(content)
        await self._database.persist(
            lambda connection: connection.execute(
                text("""
                    insert into tokens (connection, sealed, updated_at)
                    values (:name, :sealed, clock_timestamp())
                    on conflict (connection) do update
                    set sealed = excluded.sealed, updated_at = excluded.updated_at
                """),
                {"name": self._connection, "sealed": sealed},
            )
        )

    async def release(self) -> None:
        """Gives the lease back where it is still ours."""
        async with self._database.begin() as connection:
            await connection.execute(
                text(
                    "update tokens set lease_until = null, owner = ''"
                    " where connection = :name and owner = :owner"
                ),
                {"name": self._connection, "owner": self._owner},
            )
