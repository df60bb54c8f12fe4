"""The programme and the rule sets, each version kept for good, one of them active."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.programme import Programme
from loyalty.store import inbox, rule_sets
from loyalty.store.database import dumps
from loyalty.store.expiry_since import note_expiry
from loyalty.store.rule_sets import BELL, Draft

FX = "fx:"
"""What an order waits for whose currency has no rate: this and the currency."""


async def programme(connection: AsyncConnection) -> Programme:
    """The programme's settings; the defaults where none were saved."""
    row = (
        await connection.execute(text("select value from settings where name = 'programme'"))
    ).first()
    return Programme() if row is None else Programme.model_validate(row.value)


_KEEP = text("""
insert into programmes (version, value, created_at) values (:version, cast(:value as jsonb), :now)
on conflict (version) do nothing
""")


async def save_programme(
    connection: AsyncConnection, settings: Programme, *, now: datetime
) -> None:
    """Replaces the programme's settings; the version stays readable for good.

    Notes when expiry was switched, and lets events go on that waited for an exchange rate.
    """
    found = await connection.execute(
        text("select value from settings where name = 'programme' for update")
    )
    row = found.first()
    if row is not None:
        before = Programme.model_validate(row.value)
        await note_expiry(connection, before.expiry, settings.expiry, now=now)
    value = dumps(settings.model_dump(mode="json"))
    await connection.execute(
        text("""
            insert into settings (name, value, updated_at)
            values ('programme', cast(:value as jsonb), :now)
            on conflict (name) do update set value = excluded.value,
                updated_at = excluded.updated_at
        """),
        {"value": value, "now": now},
    )
    await connection.execute(_KEEP, {"version": settings.version, "value": value, "now": now})
    rates = [FX + currency for currency in settings.fx]
    await inbox.settle_waits(connection, rates)
    await inbox.release(connection, rates)
    await _ring(connection)


async def programme_of(connection: AsyncConnection, version: str) -> Programme | None:
    """The programme of one version, as an award was made under it; None where it is not known."""
    found = await connection.execute(
        text("select value from programmes where version = :version"), {"version": version}
    )
    row = found.first()
    return None if row is None else Programme.model_validate(row.value)


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
