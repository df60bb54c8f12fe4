"""Proof of the books: entries, lots and the journal have to tell the same story.

Balances are derived. What is stored of them for speed is compared here with what the ledger says;
anything found is a bug or a hand in the database, never something to be put right silently.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two places that should say the same number.

    Attributes:
        about: What was compared, in words.
        id: The member's, or the lot's.
    """

    about: str
    id: UUID
    stored: int
    rebuilt: int

    def __str__(self) -> str:
        return f"{self.about} of {self.id}: {self.stored} is stored, the ledger says {self.rebuilt}"


_PROOF = text("""
with entered as (
    select member_id, sum(points) as points from entries
    where cast(:ids as uuid[]) is null or member_id = any(:ids) group by member_id
), kept as (
    select member_id, sum(remaining) as points, sum(held) as held from lots
    where cast(:ids as uuid[]) is null or member_id = any(:ids) group by member_id
), owed as (
    select member_id, sum(remaining) as points from debts
    where cast(:ids as uuid[]) is null or member_id = any(:ids) group by member_id
), waiting as (
    select member_id, sum(points) as points from holds
    where state = 'held' and (cast(:ids as uuid[]) is null or member_id = any(:ids))
    group by member_id
), used as (
    select l.id, l.points - l.remaining as taken,
        (select coalesce(sum(a.points), 0) from allocations a where a.lot_id = l.id) as written
    from lots l where cast(:ids as uuid[]) is null or l.member_id = any(:ids)
), sums as (
    select m.id, m.points, coalesce(e.points, 0) as entered, coalesce(k.points, 0) as kept,
        coalesce(k.held, 0) as held, coalesce(o.points, 0) as owed,
        coalesce(w.points, 0) as waiting
    from members m left join entered e on e.member_id = m.id
    left join kept k on k.member_id = m.id left join owed o on o.member_id = m.id
    left join waiting w on w.member_id = m.id
    where cast(:ids as uuid[]) is null or m.id = any(:ids)
)
select 'points' as about, id, points as stored, entered as rebuilt from sums where points <> entered
union all
select 'lots less debts', id, kept - owed, entered from sums where kept - owed <> entered
union all
select 'held points', id, held, waiting from sums where held <> waiting
union all
select 'points used of the lot', id, taken, written from used where taken <> written
order by 1, 2
""")


async def disagreements(
    connection: AsyncConnection, member_ids: list[UUID] | None = None
) -> list[Disagreement]:
    """Where the books of these members (None: of all) do not add up; empty where they do."""
    rows = await connection.execute(_PROOF, {"ids": member_ids})
    return [Disagreement(row.about, row.id, int(row.stored), int(row.rebuilt)) for row in rows]
