"""Links that sign a person in: one row for each that was asked for, good once and not for long.

What proves anything (the code that goes back to the shop's page) is kept as a digest: who reads
the table can sign in as nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store.tables import sign_ins


@dataclass(frozen=True, slots=True)
class SignIn:
    """A link that was asked for.

    Attributes:
        carries: The page (`/j/{token}`) that the person wanted to go on to once signed in.
        asked_by: The digest of the mark that the asking browser has.
    """

    id: UUID
    site: str
    email: str
    locale: str
    carries: str
    asked_by: bytes
    expires_at: datetime
    used_at: datetime | None = None


_COLUMNS = "id, site, email, locale, carries, asked_by, expires_at, used_at"


async def ask(connection: AsyncConnection, wanted: SignIn, *, now: datetime) -> None:
    """Keeps a link that was asked for."""
    row = {
        "id": wanted.id,
        "site": wanted.site,
        "email": wanted.email,
        "locale": wanted.locale,
        "carries": wanted.carries,
        "asked_by": wanted.asked_by,
        "created_at": now,
        "expires_at": wanted.expires_at,
    }
    await connection.execute(sign_ins.insert().values(row))


async def find(connection: AsyncConnection, id: UUID) -> SignIn | None:
    """The link, whatever became of it."""
    rows = await connection.execute(
        text(f"select {_COLUMNS} from sign_ins where id = :id"),  # noqa: S608 - the names are ours
        {"id": id},
    )
    return _sign_in(rows.first())


async def named(connection: AsyncConnection, ids: Sequence[UUID]) -> list[SignIn]:
    """These links, as far as they are known."""
    rows = await connection.execute(
        text(f"select {_COLUMNS} from sign_ins where id = any(cast(:ids as uuid[]))"),  # noqa: S608
        {"ids": list(ids)},
    )
    return [SignIn(*row) for row in rows]


async def use(
    connection: AsyncConnection,
    id: UUID,
    *,
    code: bytes,
    code_expires_at: datetime,
    now: datetime,
) -> SignIn | None:
    """Uses the link up; None where it is expired, was used before, or never was.

    Args:
        code: The digest of what takes the sign-in back to the shop's page.
    """
    rows = await connection.execute(
        text(f"""
            update sign_ins set used_at = :now, code = :code, code_expires_at = :until
            where id = :id and used_at is null and expires_at > :now
            returning {_COLUMNS}
        """),  # noqa: S608 - the names are ours
        {"id": id, "now": now, "code": code, "until": code_expires_at},
    )
    return _sign_in(rows.first())


async def of_code(
    connection: AsyncConnection, code: bytes, *, site: str, now: datetime
) -> SignIn | None:
    """Whose sign-in a code brings back, without using it up; locked until the commit."""
    rows = await connection.execute(
        text(f"""
            select {_COLUMNS} from sign_ins
            where code = :code and site = :site and code_expires_at > :now for update
        """),  # noqa: S608 - the names are ours
        {"code": code, "site": site, "now": now},
    )
    return _sign_in(rows.first())


async def drop_code(connection: AsyncConnection, id: UUID) -> None:
    """Makes the code of a sign-in worthless: it was used."""
    await connection.execute(text("update sign_ins set code = null where id = :id"), {"id": id})


_FORGET_LINKS = text("delete from sign_ins where email = any(cast(:words as text[]))")
_FORGET_MAILS = text("""
update deliveries set key = 'forgotten:' || id, input = '{}'::jsonb, target = '',
    state = case when state in ('pending', 'parked', 'held') then 'cancelled' else state end,
    owner = '', lease_until = null
where rule = 'magic_link' and member_id is null and target = any(cast(:words as text[]))
""")


async def forget(connection: AsyncConnection, words: Sequence[str]) -> None:
    """Removes the links that a person asked for, and what their e-mails said.

    Args:
        words: The person's addresses.
    """
    for statement in (_FORGET_LINKS, _FORGET_MAILS):
        await connection.execute(statement, {"words": list(words)})


async def sweep(connection: AsyncConnection, *, before: datetime) -> int:
    """Deletes links that have been over since an instant; returns how many."""
    rows = await connection.execute(
        text("delete from sign_ins where expires_at < :before"), {"before": before}
    )
    return rows.rowcount


def _sign_in(row: Any) -> SignIn | None:
    return None if row is None else SignIn(*row)
