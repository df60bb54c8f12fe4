"""Members whose yearly day may have come: a rough cut by month and day, made exact by the domain.

Also since when the hub has looked, so that a day is caught up that passed while it was down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

SEEN = "occasions_seen"
"""The settings row that says up to which instant yearly days were looked for."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member with a yearly day about now.

    Attributes:
        told_at: When the birthday was told; None where it always was known.
        paid_at: When the last birthday that counted began.
    """

    member_id: UUID
    zone: str
    joined_at: datetime
    birthday: date | None
    told_at: datetime | None = None
    paid_at: datetime | None = None


_CANDIDATES = text("""
select id, zone, joined_at, birthday, birthday_told_at, birthday_paid_at from members
where state = 'enrolled' and id > :beyond and (
    to_char(joined_at at time zone 'UTC', 'MM-DD') = any(cast(:days as text[]))
    or to_char(birthday, 'MM-DD') = any(cast(:days as text[])))
order by id limit :limit
""")

FIRST = UUID(int=0)
"""Before every member's id."""


async def candidates(
    connection: AsyncConnection,
    *,
    after: datetime,
    until: datetime,
    beyond: UUID = FIRST,
    limit: int = 1000,
) -> Sequence[Candidate]:
    """Members whose joining day or birthday lies between two instants, in the order of their ids.

    Two days more on both sides, since the day is judged in the member's or the programme's zone.

    Args:
        beyond: Only those with a greater id: the last one of the batch before.
    """
    first, last = (after - timedelta(days=2)).date(), (until + timedelta(days=2)).date()
    span = min((last - first).days + 1, 366)
    days = {(last - timedelta(days=n)).strftime("%m-%d") for n in range(span)}
    if span == 366 or days & {"02-28", "03-01"}:
        days.add("02-29")
    rows = await connection.execute(
        _CANDIDATES, {"days": sorted(days), "beyond": beyond, "limit": limit}
    )
    return [
        Candidate(
            member_id=row.id,
            zone=row.zone,
            joined_at=row.joined_at,
            birthday=row.birthday,
            told_at=row.birthday_told_at,
            paid_at=row.birthday_paid_at,
        )
        for row in rows
    ]


_SEEN = text("select value ->> 'until' as until from settings where name = :name")
_SEE = text("""
insert into settings (name, value, updated_at)
values (:name, jsonb_build_object('until', cast(:until as text)), :now)
on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at
where cast(settings.value ->> 'until' as timestamptz) < cast(:until as timestamptz)
""")


async def seen_until(connection: AsyncConnection) -> datetime | None:
    """Up to which instant yearly days were looked for; None before the first look."""
    row = (await connection.execute(_SEEN, {"name": SEEN})).first()
    return None if row is None else datetime.fromisoformat(row.until)


async def note_seen(connection: AsyncConnection, until: datetime, *, now: datetime) -> None:
    """Notes that all yearly days up to an instant were found; never goes back."""
    await connection.execute(_SEE, {"name": SEEN, "until": until.isoformat(), "now": now})
