"""The programme and the rule sets, each version kept for good, one of them active."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.programme import Programme
from loyalty.store import rule_sets
from loyalty.store.database import dumps
from loyalty.store.rule_sets import BELL, Draft


async def programme(connection: AsyncConnection) -> Programme:
    """The programme's settings; the defaults where none were saved."""
    row = (
        await connection.execute(text("select value from settings where name = 'programme'"))
    ).first()
    return Programme() if row is None else Programme.model_validate(row.value)


async def save_programme(
    connection: AsyncConnection, settings: Programme, *, now: datetime
) -> None:
    """Replaces the programme's settings."""
    await connection.execute(
        text("""
            insert into settings (name, value, updated_at)
            values ('programme', cast(:value as jsonb), :now)
            on conflict (name) do update set value = excluded.value,
                updated_at = excluded.updated_at
        """),
        {"value": dumps(settings.model_dump(mode="json")), "now": now},
    )
    await _ring(connection)


async def active(connection: AsyncConnection) -> tuple[str, list[dict[str, Any]]] | None:
    """Version and documents of the rules in force; None before the first publishing."""
    row = (
        await connection.execute(
            text("select version, documents from rule_sets where state = 'active'")
        )
    ).first()
    return None if row is None else (row.version, row.documents)


async def documents_of(connection: AsyncConnection, version: str) -> list[dict[str, Any]] | None:
    """The documents of one version; None where it is not known."""
    row = (
        await connection.execute(
            text("select documents from rule_sets where version = :version"), {"version": version}
        )
    ).first()
    return None if row is None else row.documents


async def activate(
    connection: AsyncConnection,
    version: str,
    documents: list[dict[str, Any]],
    *,
    author: str,
    reason: str,
    now: datetime,
) -> None:
    """Makes a version the one in force, in one switch, without a draft before."""
    draft = Draft(version, documents, author, reason)
    await rule_sets.put_in_force(connection, draft, now=now)


async def _ring(connection: AsyncConnection) -> None:
    await connection.execute(text("select pg_notify(:channel, '')"), {"channel": BELL})
