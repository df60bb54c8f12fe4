"""Members whose yearly day may be near: a rough cut by month and day, made exact by the domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member with a yearly day about now."""

    member_id: UUID
    zone: str
    joined_at: datetime
    birthday: date | None


_CANDIDATES = text("""
select id, zone, joined_at, birthday from members
where state = 'enrolled' and (
    to_char(joined_at at time zone 'UTC', 'MM-DD') = any(cast(:days as text[]))
    or to_char(birthday, 'MM-DD') = any(cast(:days as text[])))
order by id
""")


async def candidates(
    connection: AsyncConnection, *, now: datetime, back: timedelta
) -> Sequence[Candidate]:
    """Members whose joining day or birthday lies between `back` before now and tomorrow.

    A day more on both sides, since the day is judged in each member's own zone.
    """
    span = range(-1, back.days + 3)
    days = {(now + timedelta(days=1) - timedelta(days=n)).strftime("%m-%d") for n in span}
    if days & {"02-28", "03-01"}:
        days.add("02-29")
    rows = await connection.execute(_CANDIDATES, {"days": sorted(days)})
    return [Candidate(row.id, row.zone, row.joined_at, row.birthday) for row in rows]
