"""Gift codes in the store: finding and locking what is typed in, and writing down its use.

Codes are locked in the order of their ids, then batches that are limited as a whole, then guards:
whoever needs several waits for others, and never two for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.gift_codes import BatchRules, GiftCode, Guard, Shape, Uses, Window
from loyalty.store.bulk import insert_rows
from loyalty.store.tables import gift_code_guards, gift_code_uses

_GUARDING = 20_265
"""The space of the advisory locks on who types codes."""


@dataclass(frozen=True, slots=True)
class CodeUse:
    """One use of a code.

    Attributes:
        number: Among all uses of the code, from 1 on.
        member_number: Among those of the member.
    """

    code_id: int
    number: int
    batch_id: UUID
    member_id: UUID
    member_number: int
    event_id: int
    points: int
    used_at: datetime


@dataclass(slots=True)
class _Counted:
    uses: int = 0
    highest: int = 0


@dataclass(slots=True)
class CodeBook:
    """The codes that a batch of events may be about, locked, and how far members came with them.

    Attributes:
        codes: By normal form.
        new_uses: What was used now; written by `save`.
    """

    shapes: tuple[Shape, ...] = ()
    codes: dict[str, GiftCode] = field(default_factory=dict)
    guards: dict[str, Guard] = field(default_factory=dict)
    new_uses: list[CodeUse] = field(default_factory=list)
    batch_totals: dict[UUID, int] = field(default_factory=dict)
    of_member: dict[tuple[UUID, int], _Counted] = field(default_factory=dict)
    of_batch: dict[tuple[UUID, UUID], int] = field(default_factory=dict)

    def guard(self, key: str) -> Guard:
        """Who counts the wrong codes of a member or of an address."""
        return self.guards.setdefault(key, Guard(key))

    def uses(self, code: GiftCode, holder: UUID) -> Uses:
        """How far whoever holds the account has come with a code."""
        counted = self.of_member.get((holder, code.id), _Counted())
        return Uses(
            of_code=counted.uses,
            of_batch=self.of_batch.get((holder, code.batch_id), 0),
            of_batch_by_all=self.batch_totals.get(code.batch_id, 0),
        )

    def use(
        self, code: GiftCode, holder: UUID, *, member_id: UUID, event_id: int, at: datetime
    ) -> None:
        """Uses a code once.

        Args:
            holder: Whose account it is now.
            member_id: The account that the event named, which may be merged into the holder's.
        """
        counted = self.of_member.setdefault((holder, code.id), _Counted())
        counted.uses, counted.highest = counted.uses + 1, max(counted.uses, counted.highest) + 1
        code.uses += 1
        mine, all_of_it = (holder, code.batch_id), code.batch_id
        self.of_batch[mine] = self.of_batch.get(mine, 0) + 1
        self.batch_totals[all_of_it] = self.batch_totals.get(all_of_it, 0) + 1
        self.new_uses.append(
            CodeUse(
                code_id=code.id,
                number=code.uses,
                batch_id=code.batch_id,
                member_id=member_id,
                member_number=counted.highest,
                event_id=event_id,
                points=code.points,
                used_at=at,
            )
        )


async def shapes(connection: AsyncConnection) -> tuple[Shape, ...]:
    """How printed codes look, all that were ever made."""
    rows = await connection.execute(
        text("select distinct prefix, length from gift_code_batches where length > 0")
    )
    return tuple(sorted(Shape(row.prefix, row.length) for row in rows))


_CODES = text("""
select c.id, c.batch_id, c.code, c.shown, c.points, c.uses, c.state, b.name, b.valid_from,
       b.valid_to, b.max_uses, b.per_member, b.batch_uses, b.batch_per_member
from gift_codes c join gift_code_batches b on b.id = c.batch_id
where c.code = any(cast(:codes as text[])) order by c.id for update of c
""")
_BATCHES = text("""
select id, uses from gift_code_batches
where id = any(cast(:ids as uuid[])) and batch_uses is not null order by id for update
""")
_USES = text("""
with recursive family as (
    select id, id as holder from members where id = any(cast(:holders as uuid[]))
    union
    select m.id, f.holder from members m join family f on m.merged_into = f.id
)
select f.holder, u.code_id, u.batch_id, count(*) as n, max(u.member_number) as highest
from gift_code_uses u join family f on f.id = u.member_id
where u.batch_id = any(cast(:batches as uuid[])) group by 1, 2, 3
""")


async def lock(
    connection: AsyncConnection,
    codes: Collection[str],
    *,
    holders: Collection[UUID],
    guards: Collection[str],
) -> CodeBook:
    """Opens the book on these codes, for the members who hold the accounts and are locked.

    Args:
        codes: In normal form; those that do not exist are simply not found.
        guards: The keys of who types them.
    """
    book = CodeBook()
    rows = (await connection.execute(_CODES, {"codes": sorted(codes)})).all()
    book.codes = {row.code: _code(row) for row in rows}
    batches = sorted({row.batch_id for row in rows})
    if batches:
        totals = await connection.execute(_BATCHES, {"ids": batches})
        book.batch_totals = {row.id: row.uses for row in totals}
        found = await connection.execute(_USES, {"holders": sorted(holders), "batches": batches})
        for row in found:
            book.of_member[row.holder, row.code_id] = _Counted(row.n, row.highest)
            mine = (row.holder, row.batch_id)
            book.of_batch[mine] = book.of_batch.get(mine, 0) + row.n
    book.guards = await _lock_guards(connection, guards)
    return book


def _code(row: Any) -> GiftCode:
    rules = BatchRules(
        window=Window(row.valid_from, row.valid_to),
        max_uses=row.max_uses,
        per_member=row.per_member,
        batch_uses=row.batch_uses,
        batch_per_member=row.batch_per_member,
    )
    return GiftCode(
        id=row.id,
        batch_id=row.batch_id,
        batch=row.name,
        shown=row.shown,
        points=row.points,
        rules=rules,
        uses=row.uses,
        is_void=row.state == "void",
    )


_LOCK_GUARDS = text("""
select pg_advisory_xact_lock(:space, h)
from (select distinct hashtext(key) as h from unnest(cast(:keys as text[])) as u(key)
      order by h) as k
""")


async def _lock_guards(connection: AsyncConnection, keys: Collection[str]) -> dict[str, Guard]:
    if not keys:
        return {}
    await connection.execute(_LOCK_GUARDS, {"space": _GUARDING, "keys": sorted(keys)})
    rows = await connection.execute(
        text("select * from gift_code_guards where key = any(cast(:keys as text[]))"),
        {"keys": sorted(keys)},
    )
    return {row.key: Guard(row.key, row.failures, row.failed_at, row.locked_until) for row in rows}


_COUNT_CODES = text("""
update gift_codes c set uses = c.uses + n.uses
from (select code_id, count(*) as uses from unnest(cast(:codes as bigint[])) as u(code_id)
      group by code_id) as n
where c.id = n.code_id
""")
_COUNT_BATCHES = text("""
update gift_code_batches b set uses = b.uses + n.uses
from (select id, count(*) as uses from unnest(cast(:batches as uuid[])) as u(id) group by id) as n
where b.id = n.id and b.batch_uses is not null
""")


async def save(connection: AsyncConnection, book: CodeBook) -> None:
    """Writes down what was used and who guessed."""
    new = book.new_uses
    if new:
        await insert_rows(connection, gift_code_uses, [_row(one) for one in new])
        await connection.execute(_COUNT_CODES, {"codes": [one.code_id for one in new]})
        await connection.execute(_COUNT_BATCHES, {"batches": [one.batch_id for one in new]})
    await _save_guards(connection, [one for one in book.guards.values() if one.is_changed])


def _row(use: CodeUse) -> dict[str, Any]:
    return {name: getattr(use, name) for name in CodeUse.__dataclass_fields__}


async def _save_guards(connection: AsyncConnection, guards: Iterable[Guard]) -> None:
    rows = [
        {
            "key": one.key,
            "failures": one.failures,
            "failed_at": one.failed_at,
            "locked_until": one.locked_until,
        }
        for one in guards
    ]
    await insert_rows(
        connection,
        gift_code_guards,
        rows,
        tail="on conflict (key) do update set failures = excluded.failures, "
        "failed_at = excluded.failed_at, locked_until = excluded.locked_until",
    )


async def failures(connection: AsyncConnection, keys: Sequence[str], *, now: datetime) -> int:
    """How many wrong codes the worst of these has typed of late: to answer it more slowly."""
    rows = await connection.execute(
        text("""
            select coalesce(max(failures), 0) from gift_code_guards
            where key = any(cast(:keys as text[])) and failed_at > :since
        """),
        {"keys": list(keys), "since": now - timedelta(hours=1)},
    )
    return int(rows.scalar_one())


async def forget_old_guards(connection: AsyncConnection, *, now: datetime) -> int:
    """Removes guards of whom nothing was heard for a month; returns how many."""
    done = await connection.execute(
        text("""
            delete from gift_code_guards
            where failed_at < :before and (locked_until is null or locked_until < :before)
        """),
        {"before": now - timedelta(days=30)},
    )
    return done.rowcount
