"""Who is signed in to the widget and the portal.

A session names a person as the identities do (store, kind, value) and never a member's id: it
is looked up with every request, so that merges are followed, a forgotten person is gone at
once, and somebody who has yet to join has a session too. The token is kept as a digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store.people import Identity
from loyalty.store.tables import member_sessions


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in.

    Attributes:
        identity: By what the person is known: `("", "email", "a@b.c")`, or a shop's customer id.
        email: An address that was proved to be theirs; empty where none was.
        carries: The page that the person wanted to go on to once signed in.
        member_id: Whose account it is now; None for somebody who has not joined.
    """

    id: UUID
    site: str
    identity: Identity
    expires_at: datetime
    email: str = ""
    first_name: str = ""
    locale: str = ""
    carries: str = ""
    member_id: UUID | None = None


async def begin(
    connection: AsyncConnection, session: Session, token: bytes, *, now: datetime
) -> None:
    """Keeps a new session under the digest of its token."""
    store, kind, value = session.identity
    row = {
        "id": session.id,
        "token": token,
        "site": session.site,
        "store": store,
        "kind": kind,
        "value": value,
        "email": session.email,
        "first_name": session.first_name,
        "locale": session.locale,
        "carries": session.carries,
        "created_at": now,
        "expires_at": session.expires_at,
    }
    await connection.execute(member_sessions.insert().values(row))


_FIND = text("""
with recursive mine as (
    select * from member_sessions where token = :token and expires_at > :now
),
heirs as (
    select m.id, m.merged_into, m.state from mine s
    join identities i on (i.store, i.kind, i.value) = (s.store, s.kind, s.value)
    join members m on m.id = i.member_id
    union
    select m.id, m.merged_into, m.state from members m join heirs h on m.id = h.merged_into
)
select s.id, s.site, s.store, s.kind, s.value, s.expires_at, s.email, s.first_name, s.locale,
       s.carries,
       (select id from heirs where merged_into is null and state = 'enrolled') as member_id
from mine s
""")


async def find(connection: AsyncConnection, token: bytes, *, now: datetime) -> Session | None:
    """Whose session a token is (its digest); None where it is over or never was."""
    row = (await connection.execute(_FIND, {"token": token, "now": now})).first()
    return None if row is None else _session(row)


async def end(connection: AsyncConnection, id: UUID) -> None:
    """Signs out."""
    await connection.execute(text("delete from member_sessions where id = :id"), {"id": id})


async def forget(
    connection: AsyncConnection, *, words: Sequence[str], subjects: Sequence[str]
) -> None:
    """Signs a person out for good.

    Args:
        words: The person's addresses.
        subjects: `{store}:customer:{id}` for each shop that knows the person.
    """
    await connection.execute(
        text("""
            delete from member_sessions
            where value = any(cast(:words as text[])) or email = any(cast(:words as text[]))
               or store || ':customer:' || value = any(cast(:subjects as text[]))
        """),
        {"words": list(words), "subjects": list(subjects)},
    )


async def sweep(connection: AsyncConnection, *, before: datetime) -> int:
    """Deletes sessions that have been over since an instant; returns how many."""
    rows = await connection.execute(
        text("delete from member_sessions where expires_at < :before"), {"before": before}
    )
    return rows.rowcount


def _session(row: Any) -> Session:
    return Session(
        id=row.id,
        site=row.site,
        identity=(row.store, row.kind, row.value),
        expires_at=row.expires_at,
        email=row.email,
        first_name=row.first_name,
        locale=row.locale,
        carries=row.carries,
        member_id=row.member_id,
    )
