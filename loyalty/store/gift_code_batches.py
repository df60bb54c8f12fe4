"""Batches of gift codes: made, filled, counted, handed out as lists, withdrawn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.gift_code_plans import BatchPlan, PrintPlan
from loyalty.store import audit
from loyalty.store.ids import new_id
from loyalty.store.tables import gift_code_batches

Origin = Literal["upload", "generated", "typed"]
_NAMES_TRIED = 100
LISTED = 5_000
"""Codes that a list takes from the store at once."""


@dataclass(frozen=True, slots=True)
class NewCode:
    """A code to be kept.

    Attributes:
        code: In normal form.
        shown: As it is printed.
        row: Where it stands in its file; 0 where it comes from none.
    """

    code: str
    shown: str
    points: int
    row: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch and how far it is used.

    Attributes:
        wanted: How many codes are to be generated; 0 where none are.
        codes: How many there are; `withdrawn` of them are void, `used` were used at least once.
        uses: How often any of them was used; `points_given` is what that came to.
    """

    id: UUID
    name: str
    origin: Origin
    valid_from: date | None
    valid_to: date | None
    max_uses: int
    per_member: int
    batch_uses: int | None
    batch_per_member: int | None
    prefix: str
    length: int
    points: int
    wanted: int
    created_by: str
    created_at: datetime
    codes: int = 0
    withdrawn: int = 0
    used: int = 0
    uses: int = 0
    points_given: int = 0

    @property
    def unused(self) -> int:
        """Codes that nobody has used and that can still be used."""
        return self.codes - self.withdrawn - self.used


async def create(
    connection: AsyncConnection, plan: BatchPlan, *, origin: Origin, by: str, now: datetime
) -> UUID:
    """Makes a batch; where its name is taken, it gets a number: `Spring (2)`."""
    for number in range(1, _NAMES_TRIED + 1):
        name = plan.name if number == 1 else f"{plan.name[:90]} ({number})"
        found = await _insert(connection, plan, name=name, origin=origin, by=by, now=now)
        if found is not None:
            return found
    raise ValueError(f"there are {_NAMES_TRIED} batches named {plan.name!r}: choose another name")


async def create_once(
    connection: AsyncConnection, plan: PrintPlan, *, by: str, now: datetime
) -> UUID:
    """Makes the batch of a print job, or finds it: asked twice, it is one job that goes on.

    Raises:
        ValueError: Another batch has this name.
    """
    made = await _insert(connection, plan, name=plan.name, origin="generated", by=by, now=now)
    if made is not None:
        return made
    row = (
        await connection.execute(
            text("select * from gift_code_batches where name = :name"), {"name": plan.name}
        )
    ).one()
    wanted = _values(plan)
    if row.origin != "generated" or any(getattr(row, key) != wanted[key] for key in wanted):
        raise ValueError(f"there is another batch named {plan.name!r}: choose another name")
    return UUID(str(row.id))


async def _insert(
    connection: AsyncConnection,
    plan: BatchPlan,
    *,
    name: str,
    origin: Origin,
    by: str,
    now: datetime,
) -> UUID | None:
    values = _values(plan) | {"name": name, "origin": origin, "created_by": by, "created_at": now}
    statement = insert(gift_code_batches).values(id=new_id(now), **values)
    done = await connection.execute(
        statement.on_conflict_do_nothing(index_elements=["name"]).returning(gift_code_batches.c.id)
    )
    return done.scalar_one_or_none()


def _values(plan: BatchPlan) -> dict[str, Any]:
    names = (
        "valid_from", "valid_to", "max_uses", "per_member", "batch_uses", "batch_per_member",
    )  # fmt: skip
    values = {name: getattr(plan, name) for name in names}
    if isinstance(plan, PrintPlan):
        values |= {"wanted": plan.count, "points": plan.points}
        values |= {"prefix": plan.prefix, "length": plan.length}
    return values


# --- codes ---------------------------------------------------------------------------------------

# Inserted in the order of the codes: of two that bring the same ones in different order, one
# waits for the other, and never each for the other.
_ADD = text("""
with new as (
    insert into gift_codes (batch_id, code, shown, points, row_no)
    select :batch, code, shown, points, row_no
    from unnest(cast(:codes as text[]), cast(:shown as text[]), cast(:points as bigint[]),
                cast(:rows as integer[])) as u(code, shown, points, row_no)
    order by code
    on conflict (code) do nothing returning code
),
counted as (
    update gift_code_batches set codes = codes + (select count(*) from new) where id = :batch
)
select code from new
""")


async def add(connection: AsyncConnection, batch_id: UUID, codes: Sequence[NewCode]) -> set[str]:
    """Keeps codes that never were; returns those. What was, used or void, stays as it is."""
    if not codes:
        return set()
    rows = await connection.execute(
        _ADD,
        {
            "batch": batch_id,
            "codes": [one.code for one in codes],
            "shown": [one.shown for one in codes],
            "points": [one.points for one in codes],
            "rows": [one.row for one in codes],
        },
    )
    return set(rows.scalars())


async def known(connection: AsyncConnection, codes: Sequence[str]) -> dict[str, tuple[UUID, int]]:
    """Which of these codes there are: their batch, and the row of the file they came from."""
    rows = await connection.execute(
        text("select code, batch_id, row_no from gift_codes where code = any(cast(:c as text[]))"),
        {"c": list(codes)},
    )
    return {row.code: (row.batch_id, row.row_no) for row in rows}


async def lock_made(connection: AsyncConnection, batch_id: UUID) -> tuple[int, int]:
    """How many codes of a print job are made, and how many are wanted; nobody else makes any
    before the commit."""
    row = (
        await connection.execute(
            text("select codes, wanted from gift_code_batches where id = :id for update"),
            {"id": batch_id},
        )
    ).one()
    return row.codes, row.wanted


# --- looking at them -----------------------------------------------------------------------------

# What is used is counted where it was used: a batch of a million codes is listed as fast as any.
_BATCHES = text("""
select b.id, b.name, b.origin, b.valid_from, b.valid_to, b.max_uses, b.per_member, b.batch_uses,
       b.batch_per_member, b.prefix, b.length, b.points, b.wanted, b.created_by, b.created_at,
       b.codes, b.withdrawn, u.used, u.uses, u.points_given
from (select * from gift_code_batches
      where cast(:named as text) is null or name = :named or cast(id as text) = :named
      order by created_at desc, id limit :limit) b
cross join lateral (
    select count(distinct code_id) as used, count(*) as uses,
           cast(coalesce(sum(points), 0) as bigint) as points_given
    from gift_code_uses where batch_id = b.id
) u
order by b.created_at desc, b.id
""")


async def listing(connection: AsyncConnection, *, limit: int = 50) -> list[Batch]:
    """The batches, newest first, with their counts."""
    rows = await connection.execute(_BATCHES, {"named": None, "limit": limit})
    return [Batch(**row._mapping) for row in rows]


async def find(connection: AsyncConnection, name_or_id: str) -> Batch | None:
    """A batch by its name or its id."""
    row = (await connection.execute(_BATCHES, {"named": name_or_id, "limit": 1})).first()
    return None if row is None else Batch(**row._mapping)


@dataclass(frozen=True, slots=True)
class Listed:
    """A code in a list."""

    id: int
    code: str
    shown: str
    points: int
    uses: int
    state: str


_CODES = text("""
select id, code, shown, points, uses, state from gift_codes
where batch_id = :batch and id > :beyond
  and (not :only_unused or (uses = 0 and state = 'active'))
order by id limit :limit
""")


async def codes(
    connection: AsyncConnection,
    batch_id: UUID,
    *,
    beyond: int = 0,
    limit: int = LISTED,
    only_unused: bool = False,
) -> list[Listed]:
    """Codes of a batch in the order in which they were made, from behind an id on."""
    wanted = {"batch": batch_id, "beyond": beyond, "limit": limit, "only_unused": only_unused}
    return [Listed(**row._mapping) for row in await connection.execute(_CODES, wanted)]


async def part(
    connection: AsyncConnection, batch_id: UUID, *, offset: int, limit: int
) -> list[Listed]:
    """So many of a batch's unused codes, for a sheet: from a place in their order on."""
    rows = await connection.execute(
        text("""
            select id, code, shown, points, uses, state from gift_codes
            where batch_id = :batch and uses = 0 and state = 'active'
            order by id offset :offset limit :limit
        """),
        {"batch": batch_id, "offset": offset, "limit": limit},
    )
    return [Listed(**row._mapping) for row in rows]


async def all_codes(
    connection: AsyncConnection, batch_id: UUID, *, only_unused: bool = False
) -> AsyncIterator[Listed]:
    """All codes of a batch, a handful in memory at a time."""
    beyond = 0
    while found := await codes(connection, batch_id, beyond=beyond, only_unused=only_unused):
        for one in found:
            yield one
        beyond = found[-1].id


# Locked in the order in which redemptions lock them, so that neither waits for the other in vain.
_VOID = text("""
with unused as (
    select id from gift_codes where batch_id = :batch and uses = 0 and state = 'active'
    order by id for update
)
update gift_codes c set state = 'void' from unused where c.id = unused.id
""")
_COUNT_VOID = text("update gift_code_batches set withdrawn = withdrawn + :count where id = :batch")


async def void_unused(
    connection: AsyncConnection, batch: Batch, *, by: str, reason: str, now: datetime
) -> int:
    """Withdraws the codes of a batch that nobody has used; returns how many. It stays so."""
    done = await connection.execute(_VOID, {"batch": batch.id})
    if done.rowcount:
        await connection.execute(_COUNT_VOID, {"batch": batch.id, "count": done.rowcount})
        await audit.note(
            connection,
            actor=by,
            action="gift_codes.void",
            subject=batch.name,
            detail={"codes": done.rowcount, "reason": reason},
            now=now,
        )
    return done.rowcount
