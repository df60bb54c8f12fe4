"""Connections: the configured accounts, their sealed credentials, and whether they may be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

BELL = "hub_connections"
"""The NOTIFY channel: some connection changed."""


@dataclass(frozen=True, slots=True)
class StoredConnection:
    """One connection as stored.

    Attributes:
        state: active; paused (by a person), refused (by the vendor), invalid (credentials
            that cannot be right) or absent (the block was deleted).
        note: What is wrong with its webhooks, for people; it may be used all the same.
    """

    connector: str
    name: str
    state: str
    reason: str
    sealed: bytes | None
    fingerprint: str
    note: str = ""

    @property
    def slug(self) -> str:
        """`twilio/main`."""
        return f"{self.connector}/{self.name}"


async def load(connection: AsyncConnection) -> list[StoredConnection]:
    """Every connection."""
    rows = await connection.execute(
        text(
            "select c.connector, c.name, c.state, c.reason, c.sealed, c.fingerprint,"
            " coalesce(s.problem, '') as note from connections c"
            " left join subscriptions s on s.connection = c.connector || '/' || c.name"
            " order by c.connector, c.name"
        )
    )
    return [StoredConnection(*row) for row in rows]


async def put(
    connection: AsyncConnection,
    stored: StoredConnection,
    *,
    now: datetime,
) -> None:
    """Adds a connection or replaces its credentials, state and reason."""
    await connection.execute(
        text("""
            insert into connections
                (connector, name, state, reason, sealed, fingerprint, updated_at)
            values (:connector, :name, :state, :reason, :sealed, :fingerprint, :now)
            on conflict (connector, name) do update set state = excluded.state,
                reason = excluded.reason, sealed = excluded.sealed,
                fingerprint = excluded.fingerprint, updated_at = excluded.updated_at
        """),
        {
            "connector": stored.connector,
            "name": stored.name,
            "state": stored.state,
            "reason": stored.reason,
            "sealed": stored.sealed,
            "fingerprint": stored.fingerprint,
            "now": now,
        },
    )
    await ring(connection)


async def set_state(
    connection: AsyncConnection,
    connector: str,
    name: str,
    *,
    state: str,
    reason: str,
    now: datetime,
    unless: Sequence[str] = (),
) -> bool:
    """Changes a connection's state; False where it already was so (or is in `unless`)."""
    result = await connection.execute(
        text("""
            update connections set state = :state, reason = :reason, updated_at = :now
            where connector = :connector and name = :name and state <> :state
              and not state = any(cast(:unless as text[]))
        """),
        {
            "connector": connector,
            "name": name,
            "state": state,
            "reason": reason,
            "now": now,
            "unless": list(unless),
        },
    )
    if result.rowcount:
        await ring(connection)
    return bool(result.rowcount)


async def reseal(connection: AsyncConnection, slug: str, sealed: bytes, *, now: datetime) -> None:
    """Replaces the credentials of a connection, which counts as the same one all the same."""
    connector, _, name = slug.partition("/")
    await connection.execute(
        text("""
            update connections set sealed = :sealed, updated_at = :now
            where connector = :connector and name = :name
        """),
        {"sealed": sealed, "now": now, "connector": connector, "name": name},
    )
    await ring(connection)


async def ring(connection: AsyncConnection) -> None:
    """Tells every process that something about the connections changed."""
    await connection.execute(text("select pg_notify(:channel, '')"), {"channel": BELL})
