"""Members as the people of the team look them up: by what they are called or known by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.contacts import normal_email, normal_phone
from loyalty.store.people import Identity, Member, member_of
from loyalty.store.tables import members


@dataclass(frozen=True, slots=True)
class Found:
    """A member in a list."""

    id: UUID
    state: str
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    tier: str
    points: int
    joined_at: datetime

    @property
    def name(self) -> str:
        """First and last name; empty where none is known."""
        return f"{self.first_name} {self.last_name}".strip()


_LISTED = (
    "m.id, m.state, m.first_name, m.last_name, m.email, m.phone, m.tier, m.points, m.joined_at"
)

_LATEST = text(f"""
select {_LISTED} from members m where m.state = 'enrolled'
order by m.joined_at desc, m.id limit :limit offset :offset
""")  # noqa: S608 - the names are ours

# What is exactly an address, a number or an id is found by its index; names are read through.
_BY_WORD = text(f"""
with hit as (
    select member_id as id from identities where value = any(cast(:exact as text[]))
    union select cast(:id as uuid) where cast(:id as uuid) is not null
    union select id from members
          where first_name || ' ' || last_name ilike :pattern or email ilike :pattern
             or phone like :pattern
)
select {_LISTED} from members m join hit on hit.id = m.id
order by m.state <> 'enrolled', m.joined_at desc, m.id limit :limit offset :offset
""")  # noqa: S608 - the names are ours


async def search(
    connection: AsyncConnection, words: str, *, limit: int, offset: int = 0
) -> list[Found]:
    """Members by name, e-mail, telephone, card, customer id or member id; the latest first.

    Args:
        words: As typed; everybody where it is empty.
    """
    wanted: dict[str, Any] = {"limit": limit, "offset": offset}
    if not words.strip():
        rows = await connection.execute(_LATEST, wanted)
        return [Found(*row) for row in rows]
    words = " ".join(words.replace("\x00", " ").split())
    exact = {words, words.lower(), normal_email(words) or words, normal_phone(words) or words}
    wanted |= {"exact": sorted(exact), "id": _uuid(words), "pattern": f"%{_escaped(words)}%"}
    return [Found(*row) for row in await connection.execute(_BY_WORD, wanted)]


def _uuid(words: str) -> UUID | None:
    try:
        return UUID(words)
    except ValueError:
        return None


def _escaped(words: str) -> str:
    for special in ("\\", "%", "_"):
        words = words.replace(special, "\\" + special)
    return words


async def find(connection: AsyncConnection, member_id: UUID) -> Member | None:
    """A member, not locked; None where there is none."""
    row = (await connection.execute(members.select().where(members.c.id == member_id))).first()
    return None if row is None else member_of(row)


async def identities_of(connection: AsyncConnection, member_id: UUID) -> list[Identity]:
    """By what else the member is known: `(store, kind, value)`, customer ids first."""
    rows = await connection.execute(
        text("""
            select store, kind, value from identities where member_id = :id
            order by kind <> 'customer', store, kind, value limit 100
        """),
        {"id": member_id},
    )
    return [(row.store, row.kind, row.value) for row in rows]


@dataclass(frozen=True, slots=True)
class Movement:
    """A line of a member's ledger, with the event it came from."""

    id: UUID
    event_id: int | None
    kind: str
    points: int
    rule: str
    sale: str
    reason: str
    occurred_at: datetime
    posted_at: datetime
    event_type: str
    asked_by: str
    asked_for: str
    reward: str


# An adjustment's words are not in the ledger, which cannot forget: see loyalty.store.adjustments.
_MOVEMENTS = text("""
select e.id, e.event_id, e.kind, e.points, e.rule, e.sale, e.reason, e.occurred_at, e.posted_at,
       coalesce(i.type, '') as event_type, coalesce(a.asked_by, '') as asked_by,
       coalesce(a.reason, '') as asked_for, coalesce(r.reward, '') as reward
from entries e
left join inbox i on i.id = e.event_id
left join adjustments a on e.kind = 'adjust' and e.reason = 'adjustment ' || a.key
left join redemptions r on r.entry_id = e.id
where e.member_id = :id and (cast(:before as uuid) is null or e.id < cast(:before as uuid))
order by e.id desc limit :limit
""")


async def movements(
    connection: AsyncConnection, member_id: UUID, *, limit: int, before: UUID | None = None
) -> list[Movement]:
    """A member's movements, the latest first; `before` is the last of the page before."""
    wanted = {"id": member_id, "limit": limit, "before": before}
    return [Movement(*row) for row in await connection.execute(_MOVEMENTS, wanted)]


@dataclass(frozen=True, slots=True)
class OpenLot:
    """Points that are still there, and until when."""

    points: int
    remaining: int
    held: int
    earned_at: datetime
    available_at: datetime
    expires_at: datetime | None
    sale: str


async def open_lots(
    connection: AsyncConnection, member_id: UUID, *, now: datetime, limit: int
) -> list[OpenLot]:
    """Lots with points in them, those that expire first at the top."""
    rows = await connection.execute(
        text("""
            select points, remaining, held, earned_at, available_at, expires_at, sale from lots
            where member_id = :id and remaining > 0 and (expires_at is null or expires_at > :now)
            order by expires_at nulls last, earned_at limit :limit
        """),
        {"id": member_id, "now": now, "limit": limit},
    )
    return [OpenLot(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class WaitingAdjustment:
    """Points that somebody asked for and a second person has to agree to."""

    key: str
    points: int
    reason: str
    asked_by: str
    created_at: datetime


async def waiting_adjustments(
    connection: AsyncConnection, member_id: UUID
) -> Sequence[WaitingAdjustment]:
    """A member's adjustments that wait for a second person."""
    rows = await connection.execute(
        text("""
            select key, points, reason, asked_by, created_at from adjustments
            where member_id = :id and state = 'waiting' order by created_at limit 20
        """),
        {"id": member_id},
    )
    return [WaitingAdjustment(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class EventOutcome:
    """How an event ended so far; the code is for machines, the reason for people."""

    id: int
    state: str
    reason: str
    code: str = ""

    @property
    def is_done(self) -> bool:
        """Whether it is in the books."""
        return self.state == "done"

    @property
    def is_refused(self) -> bool:
        """Whether it never will be."""
        return self.state in ("refused", "failed")


async def outcome_of(connection: AsyncConnection, business_key: str) -> EventOutcome | None:
    """How the event with this key ended so far; None where it is not known."""
    row = (
        await connection.execute(
            text("""
                select id, state, reason, coalesce(outcome ->> 'code', '') as code
                from inbox where business_key = :key
            """),
            {"key": business_key},
        )
    ).first()
    return None if row is None else EventOutcome(row.id, row.state, row.reason, row.code)
