"""Who is signed in to the console, and how wrong keys are slowed down and then locked out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store.tables import console_sessions, wrong_keys

LASTS = timedelta(hours=12)
FREE_TRIES = 3
LONGEST_LOCK = timedelta(minutes=15)
FORGIVEN_AFTER = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Session:
    """A person at the console."""

    id: UUID
    who: str
    expires_at: datetime


async def open_session(
    connection: AsyncConnection, who: str, *, now: datetime, ticket: str | None = None
) -> Session | None:
    """Signs a person in for twelve hours; None where the ticket was used before."""
    session = Session(uuid4(), who, now + LASTS)
    row = await connection.execute(
        insert(console_sessions)
        .values(
            id=session.id, who=who, ticket=ticket, created_at=now, expires_at=session.expires_at
        )
        .on_conflict_do_nothing(index_elements=["ticket"])
        .returning(console_sessions.c.id)
    )
    return None if row.first() is None else session


async def find_session(connection: AsyncConnection, id: UUID, *, now: datetime) -> Session | None:
    """The session, while it lasts."""
    row = (
        await connection.execute(
            console_sessions.select().where(
                console_sessions.c.id == id,
                console_sessions.c.ended_at.is_(None),
                console_sessions.c.expires_at > now,
            )
        )
    ).first()
    return None if row is None else Session(row.id, row.who, row.expires_at)


async def end_session(connection: AsyncConnection, id: UUID, *, now: datetime) -> None:
    """Signs a person out: the cookie is worth nothing from now on."""
    await connection.execute(
        console_sessions.update()
        .where(console_sessions.c.id == id, console_sessions.c.ended_at.is_(None))
        .values(ended_at=now)
    )


async def locked_until(
    connection: AsyncConnection, address: str, *, now: datetime
) -> datetime | None:
    """Until when no key from this address is looked at; None where one may be tried.

    Until the transaction ends nobody else's try from the address is looked at either: a
    thousand at once are as slow as a thousand in turn.
    """
    await connection.execute(
        text("select pg_advisory_xact_lock(20262, hashtext(:address))"), {"address": address}
    )
    row = (
        await connection.execute(wrong_keys.select().where(wrong_keys.c.address == address))
    ).first()
    return row.locked_until if row is not None and row.locked_until > now else None


async def note_wrong_key(connection: AsyncConnection, address: str, *, now: datetime) -> None:
    """Counts a wrong key: after the third each next one waits twice as long as the one before."""
    await connection.execute(
        wrong_keys.delete().where(wrong_keys.c.last_at <= now - FORGIVEN_AFTER)
    )
    known = (
        await connection.execute(wrong_keys.select().where(wrong_keys.c.address == address))
    ).first()
    count = known._mapping["count"] + 1 if known is not None else 1
    pause = timedelta(0)
    if count > FREE_TRIES:
        pause = min(timedelta(seconds=2 ** min(count - FREE_TRIES, 12)), LONGEST_LOCK)
    told = {"count": count, "last_at": now, "locked_until": now + pause}
    await connection.execute(
        insert(wrong_keys)
        .values(address=address, **told)
        .on_conflict_do_update(index_elements=["address"], set_=told)
    )


async def forget_wrong_keys(connection: AsyncConnection, address: str) -> None:
    """The right key came: earlier slips count no more."""
    await connection.execute(wrong_keys.delete().where(wrong_keys.c.address == address))
