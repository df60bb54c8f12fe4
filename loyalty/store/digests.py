"""Windows that collect what a member would hear of, and say it once, when they close.

What is said is read from the books at that moment: the window keeps which events and sales it
is about, and no figures. One window per member, text and channel is open at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store.bulk import insert_rows
from loyalty.store.ids import new_id
from loyalty.store.tables import digests

OPEN, SENT, EMPTY = "open", "sent", "empty"


@dataclass(slots=True)
class Collected:
    """Something that a member will hear of when the window closes.

    Attributes:
        effect: What the rule asked for, plain: how the message is to be sent.
        event_ids: What it is about, as `sales`, by their keys.
        at: When the hub heard of it: the first one opens the window.
        due_at: When the window closes that it would open.
    """

    member_id: UUID
    template: str
    channel: str
    effect: dict[str, Any]
    event_ids: list[int]
    sales: list[str]
    at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Digest:
    """A window that is due, held by this transaction."""

    id: UUID
    member_id: UUID
    template: str
    channel: str
    effect: dict[str, Any]
    event_ids: tuple[int, ...]
    sales: tuple[str, ...]
    opened_at: datetime
    due_at: datetime


# A window that was closed meanwhile is in nobody's way: the index knows open ones only.
_JOIN = """
on conflict (member_id, template, channel) where state = 'open' do update set
    event_ids = digests.event_ids || excluded.event_ids,
    sales = (select array_agg(distinct one) from unnest(digests.sales || excluded.sales) as one)
"""


async def collect(connection: AsyncConnection, found: Iterable[Collected]) -> None:
    """Puts news into the open windows of their members, and opens windows where there are none."""
    rows = [
        {
            "id": new_id(one.at),
            "member_id": one.member_id,
            "template": one.template,
            "channel": one.channel,
            "effect": one.effect,
            "event_ids": one.event_ids,
            "sales": one.sales,
            "opened_at": one.at,
            "due_at": one.due_at,
        }
        for one in _together(found)
    ]
    await insert_rows(connection, digests, rows, tail=_JOIN)


def _together(found: Iterable[Collected]) -> list[Collected]:
    """One for each window, in one order for everybody, so that no two wait for each other."""
    windows: dict[tuple[UUID, str, str], Collected] = {}
    for one in found:
        known = windows.setdefault((one.member_id, one.template, one.channel), one)
        if known is not one:
            known.event_ids = [*known.event_ids, *one.event_ids]
            known.sales = sorted({*known.sales, *one.sales})
    return [windows[key] for key in sorted(windows)]


_WITH_DUE = text("""
select distinct member_id from (
    select member_id from digests where state = 'open' and due_at <= :now
    order by due_at limit :limit) as due
""")
_DUE = text("""
select * from digests
where state = 'open' and due_at <= :now and member_id = any(cast(:members as uuid[]))
order by id for update
""")
_NEXT = text("select min(due_at) from digests where state = 'open'")


async def members_with_due(connection: AsyncConnection, *, now: datetime, limit: int) -> list[UUID]:
    """Members with windows that are to close: to be locked first, as booking locks them."""
    rows = await connection.execute(_WITH_DUE, {"now": now, "limit": limit})
    return list(rows.scalars())


async def due(
    connection: AsyncConnection, members: Sequence[UUID], *, now: datetime
) -> list[Digest]:
    """Windows of locked members that are to close, held; none that was closed meanwhile."""
    rows = await connection.execute(_DUE, {"members": list(members), "now": now})
    return [
        Digest(
            id=row.id,
            member_id=row.member_id,
            template=row.template,
            channel=row.channel,
            effect=row.effect,
            event_ids=tuple(row.event_ids),
            sales=tuple(row.sales),
            opened_at=row.opened_at,
            due_at=row.due_at,
        )
        for row in rows
    ]


async def next_due(connection: AsyncConnection) -> datetime | None:
    """When the next window closes."""
    found: datetime | None = (await connection.execute(_NEXT)).scalar_one()
    return found


@dataclass(frozen=True, slots=True)
class Worth:
    """What the events of a window are worth now: points, and how many of them are worth any."""

    points: int = 0
    count: int = 0


# Whatever was booked for a sale since counts: refunds and edits after the window opened as well.
_WORTH = text("""
with wanted as (
    select d.id, d.event_ids, d.sales from digests d where d.id = any(cast(:ids as uuid[]))
),
booked as (
    select w.id, e.id as entry, coalesce(nullif(e.sale, ''), e.event_id::text) as about, e.points
    from wanted w join entries e on e.event_id = any(w.event_ids) where e.kind <> 'expire'
    union
    select w.id, e.id, e.sale, e.points
    from wanted w join entries e on e.sale = any(w.sales) and e.sale <> '' where e.kind <> 'expire'
),
worth as (
    select id, about, sum(points) as points from booked group by id, about
)
select id, sum(points) as points, count(*) filter (where points > 0) as events
from worth group by id
""")


async def worth(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Worth]:
    """What windows are about, as the books say it now."""
    rows = await connection.execute(_WORTH, {"ids": list(ids)})
    found = {row.id: Worth(int(row.points), row.events) for row in rows}
    return {one: found.get(one, Worth()) for one in ids}


_CLOSE = text("""
update digests set state = u.state, ended_at = :now
from unnest(cast(:ids as uuid[]), cast(:states as text[])) as u(id, state)
where digests.id = u.id
""")


async def close(
    connection: AsyncConnection, ended: Sequence[tuple[UUID, str]], *, now: datetime
) -> None:
    """Closes windows that this transaction holds: `sent`, or `empty` where nothing was left."""
    if ended:
        ids, states = [one for one, _ in ended], [state for _, state in ended]
        await connection.execute(_CLOSE, {"ids": ids, "states": states, "now": now})
