"""The inbox: every accepted event, once, until it is done, refused for a reason, or parked.

A claim is a row lock of the transaction that does the work. There is nothing to release: a
process that dies gives its claims back by dying.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.events import Event, stored_event
from loyalty.store.bulk import update_rows
from loyalty.store.tables import inbox, rejects
from loyalty.store.uncollected import uncollected

BELL = "hub_inbox"
"""The NOTIFY channel; the payload names the triggers that have work, comma-separated."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event as the gateway hands it in, with the bytes it was read from."""

    event: Event
    received_at: datetime
    raw: bytes | None = None
    delivery_id: str | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """An event that this transaction works on, in order of arrival."""

    id: int
    event: Event
    received_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Closing:
    """How an event left the batch.

    Attributes:
        state: done, refused, parked, waiting (to be tried again) or failed.
        reason: A sentence for people; empty for plain success.
        waits_for: For parked: what has to come first, e.g. `sale:shopify/main:1001`.
        code: The reason for machines, e.g. `fx_missing`; in the outcome too.
    """

    id: int
    state: str
    reason: str = ""
    waits_for: str = ""
    member_id: UUID | None = None
    outcome: Mapping[str, Any] | None = None
    attempts: int = 0
    code: str = ""


# Numbered in order of arrival and inserted in order of keys: of two that bring the same facts
# at the same time in different order, one waits for the other, and never each for the other.
_ACCEPT = """
with given as materialized (
    select nextval('inbox_id_seq') as n, k, s, t, y, b, g, o, r, cast(d as jsonb) as d, w, i
    from unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as text[]), cast($4 as text[]),
                cast($5 as text[]), cast($6 as text[]), cast($7 as timestamptz[]),
                cast($8 as timestamptz[]), cast($9 as text[]), cast($10 as bytea[]),
                cast($11 as text[]))
         with ordinality as u(k, s, t, y, b, g, o, r, d, w, i, at)
    order by at
),
fresh as (
    insert into inbox (id, business_key, store, type, key, subject, trigger, occurred_at,
                       received_at, data, raw, delivery_id)
    overriding system value
    select n, k, s, t, y, b, g, o, r, d, w, i from given order by k, n
    on conflict (business_key) do nothing
    returning business_key, trigger
),
bell as (
    select pg_notify($12, string_agg(distinct trigger, ',' order by trigger))
    from fresh having count(*) > 0
)
select fresh.business_key from fresh cross join bell
"""


async def accept(connection: AsyncConnection, incoming: Sequence[Incoming]) -> set[str]:
    """Keeps events for good once the transaction commits, and rings the bell.

    Returns:
        The business keys that are new; the others were known already.
    """
    result = await connection.exec_driver_sql(_ACCEPT, _columns(incoming))
    return set(result.scalars())


async def accept_alone(
    connection: asyncpg.Connection[asyncpg.Record], incoming: Sequence[Incoming]
) -> set[str]:
    """The same as a transaction of its own, on the driver's connection: kept once it returns.

    Bell and rows are one statement and one round trip, and SQLAlchemy's share of a small
    commit (four fifths of its CPU time) is saved.
    """
    rows = await connection.fetch(_ACCEPT, *_columns(incoming))
    return {row[0] for row in rows}


def _columns(incoming: Sequence[Incoming]) -> tuple[Any, ...]:
    events = [one.event for one in incoming]
    return (
        [event.business_key for event in events],
        [event.store for event in events],
        [event.type.value for event in events],
        [event.key for event in events],
        [event.subject for event in events],
        [event.trigger for event in events],
        [event.time for event in events],
        [one.received_at for one in incoming],
        [event.data.model_dump_json() for event in events],
        [one.raw for one in incoming],
        [one.delivery_id for one in incoming],
        BELL,
    )


async def ring(connection: AsyncConnection, triggers: Iterable[str]) -> None:
    """Wakes the workers of these triggers when the transaction commits."""
    names = ",".join(sorted(triggers))
    if names:
        await connection.execute(
            text("select pg_notify(:channel, :names)"), {"channel": BELL, "names": names}
        )


async def reject(
    connection: AsyncConnection,
    *,
    connector: str,
    name: str,
    received_at: datetime,
    problem: str,
    headers: Mapping[str, str],
    body: bytes,
) -> None:
    """Keeps a genuine request that could not be read, for inspection."""
    await connection.execute(
        rejects.insert().values(
            connector=connector,
            connection=name,
            received_at=received_at,
            problem=problem[:2000],
            headers=dict(headers),
            body=body,
        )
    )


# The lock of a subject is asked for once: between two of its events somebody may let it go.
# What came earlier is looked up one by one ("... limit 1) is null"), never joined: PostgreSQL's
# statistics are taken at rest, when nothing waits, and a plan that joins what waits with itself
# on their word takes a time that grows with the square of a burst.
_CLAIM = text("""
with due as materialized (
    select w.id, w.subject from inbox w
    where w.state = 'waiting' and w.trigger = :trigger and (w.due_at is null or w.due_at <= :now)
      and (select e.id from inbox e
           where e.state = 'waiting' and e.subject = w.subject and e.id < w.id
             and e.trigger <> w.trigger
             and e.trigger not in (select name from triggers where is_paused)
           limit 1) is null
    order by w.id limit :limit for update of w skip locked
),
subjects as materialized (
    select distinct subject from due
),
held as materialized (
    select subject from subjects where pg_try_advisory_xact_lock(:space, hashtext(subject))
),
mine as materialized (
    select due.id from due join held using (subject)
    where (select e.id from inbox e
           where e.state = 'waiting' and e.subject = due.subject and e.id < due.id
             and e.trigger = :trigger and (e.due_at is null or e.due_at <= :now)
             and e.id not in (select id from due)
           limit 1) is null
)
select i.id, i.type, i.store, i.key, i.occurred_at, i.subject, i.data, i.received_at, i.attempts
from inbox i join mine on mine.id = i.id order by i.id
""")

_SUBJECTS = 20_260
"""The space of the advisory locks on subjects."""


async def claim(
    connection: AsyncConnection, trigger: str, *, limit: int, now: datetime
) -> list[Claimed]:
    """Takes waiting events of a trigger for this transaction, in order of arrival.

    Events of a subject that another transaction works on are left to it, so that nobody's
    events are in two batches at once, nor in the wrong order. An event also waits for earlier
    ones of its subject that another trigger has to work off (a withdrawn consent before the
    order), unless that trigger is paused.

    What is stored and cannot be read any more is set aside as failed; it stops no other event.
    """
    wanted = {"trigger": trigger, "limit": limit, "now": now, "space": _SUBJECTS}
    while True:
        with uncollected():
            rows = (await connection.execute(_CLAIM, wanted)).all()
            claimed, unreadable = _read(rows)
        await close(connection, unreadable, run_id=None, now=now)
        if claimed or not rows:
            return claimed


def _read(rows: Sequence[Any]) -> tuple[list[Claimed], list[Closing]]:
    claimed: list[Claimed] = []
    unreadable: list[Closing] = []
    for row in rows:
        try:
            claimed.append(_claimed(row))
        except ValidationError as error:
            unreadable.append(_unreadable(row, error))
    return claimed, unreadable


def _claimed(row: Any) -> Claimed:
    item_id, name, store, key, at, subject, data, received_at, attempts = row
    event = stored_event(name, store=store, key=key, time=at, subject=subject, data=data)
    return Claimed(item_id, event, received_at, attempts)


def _unreadable(row: Any, error: ValidationError) -> Closing:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the whole"
    reason = (
        f"what is stored of it cannot be read ({place}: {first['msg']}): it was accepted by "
        "another version of the hub; `hub replay` tries it again"
    )
    return Closing(row.id, "failed", reason=reason, attempts=row.attempts)


async def reclaim(connection: AsyncConnection, item_id: int) -> bool:
    """Takes one event for this transaction, if it still waits and nobody else has it."""
    row = await connection.execute(
        text("select 1 from inbox where id = :id and state = 'waiting' for update skip locked"),
        {"id": item_id},
    )
    return row.first() is not None


async def close(
    connection: AsyncConnection, closings: Sequence[Closing], *, run_id: UUID | None, now: datetime
) -> None:
    """Writes down how the claimed events ended; one that somebody else closed stays as it is."""
    await update_rows(
        connection,
        inbox,
        "id",
        [
            {
                "id": one.id,
                "state": one.state,
                "reason": one.reason,
                "waits_for": one.waits_for,
                "member_id": one.member_id,
                "outcome": one.outcome,
                "attempts": one.attempts,
                "run_id": run_id,
                "done_at": None if one.state in ("waiting", "parked") else now,
            }
            for one in closings
        ],
        where="and t.state = 'waiting'",
    )


async def ring_followers(
    connection: AsyncConnection, subjects: Iterable[str], *, trigger: str
) -> None:
    """Wakes the other triggers that have events waiting behind the ones just worked off."""
    rows = await connection.execute(
        text("""
            select distinct trigger from inbox
            where state = 'waiting' and trigger <> :trigger
              and subject = any(cast(:subjects as text[]))
        """),
        {"subjects": sorted(set(subjects)), "trigger": trigger},
    )
    await ring(connection, {row.trigger for row in rows})


_PARKING = 20_261
"""The space of the advisory locks on what parked events wait for."""


async def settle_waits(connection: AsyncConnection, keys: Iterable[str]) -> None:
    """Lets nobody else park events for these keys, or release them, before the commit.

    Whoever parks an event looks once more, under this lock, whether what it waits for has
    come; whoever brings it releases under the same lock. Without it the two can miss each other,
    and the event would wait for good.
    """
    names = sorted(set(keys))
    if names:
        await connection.execute(
            text("""
                select pg_advisory_xact_lock(:space, hashtext(key))
                from (select key from unnest(cast(:keys as text[])) as u(key) order by key) as k
            """),
            {"space": _PARKING, "keys": names},
        )


_RELEASE = text("""
update inbox set state = 'waiting', waits_for = '', reason = ''
where state = 'parked' and waits_for = any(cast(:keys as text[])) returning trigger
""")


async def release(connection: AsyncConnection, keys: Sequence[str]) -> int:
    """Lets parked events go on that waited for one of these; returns how many.

    The caller holds the keys with `settle_waits`.
    """
    if not keys:
        return 0
    rows = (await connection.execute(_RELEASE, {"keys": list(keys)})).all()
    await ring(connection, {row.trigger for row in rows})
    return len(rows)


_RELEASE_READY = text("""
with ready as (
    select p.id from inbox p
    join sales s on s.store = split_part(p.waits_for, ':', 2)
      and s.order_id = substr(p.waits_for, 7 + length(split_part(p.waits_for, ':', 2)))
    where p.state = 'parked' and p.waits_for like 'sale:%'
    union
    select p.id from inbox p
    join identities i on i.store = '' and i.kind in ('email', 'phone')
      and i.value = substr(p.waits_for, 9)
    where p.state = 'parked' and p.waits_for like 'contact:%'
    union
    select p.id from inbox p
    join identities i on i.kind = split_part(p.waits_for, ':', 1)
      and i.store = split_part(p.waits_for, ':', 2)
      and i.value = substr(p.waits_for, 3 + length(i.kind) + length(i.store))
    where p.state = 'parked' and (p.waits_for like 'customer:%' or p.waits_for like 'card:%')
    union
    select p.id from inbox p join holds h on h.key = substr(p.waits_for, 6)
    where p.state = 'parked' and p.waits_for like 'hold:%'
    union
    select p.id from inbox p
    join adjustments a on a.key = substr(p.waits_for, 12)
    where p.state = 'parked' and p.waits_for like 'adjustment:%'
    union
    select p.id from inbox p
    join adjustments a on a.key = substr(p.waits_for, 10) and a.state = 'booked'
    where p.state = 'parked' and p.waits_for like 'approval:%'
)
update inbox t set state = 'waiting', waits_for = '', reason = '' from ready
where t.id = ready.id and t.state = 'parked' returning trigger
""")


async def release_ready(connection: AsyncConnection) -> int:
    """Lets parked events go on whose sale or person is there already; returns how many.

    Parking and the arrival of what is waited for can cross: each transaction ends without
    seeing the other. So whoever parks looks once more afterwards, and the worker looks now
    and then, for a process that died in between.
    """
    rows = (await connection.execute(_RELEASE_READY)).all()
    await ring(connection, {row.trigger for row in rows})
    return len(rows)


async def emit(connection: AsyncConnection, events: Sequence[Event], *, now: datetime) -> set[str]:
    """Puts events of our own (milestones, tiers, anniversaries) into the inbox."""
    if not events:
        return set()
    return await accept(connection, [Incoming(event, received_at=now) for event in events])


async def waiting(connection: AsyncConnection, *, now: datetime) -> dict[str, int]:
    """How many events wait, by trigger."""
    rows = await connection.execute(
        text("""
            select trigger, count(*) as n from inbox
            where state = 'waiting' and (due_at is null or due_at <= :now) group by trigger
        """),
        {"now": now},
    )
    return {row.trigger: row.n for row in rows}


async def states(connection: AsyncConnection) -> dict[str, int]:
    """How many events there are in each state."""
    rows = await connection.execute(text("select state, count(*) as n from inbox group by state"))
    return {row.state: row.n for row in rows}


async def replay(connection: AsyncConnection, keys: Sequence[str]) -> list[str]:
    """Puts failed, refused or parked events back to waiting; events that are done stay done.

    Returns:
        The business keys that will be tried again.
    """
    rows = await connection.execute(
        text("""
            update inbox set state = 'waiting', reason = '', waits_for = '', attempts = 0,
                             due_at = null
            where business_key = any(cast(:keys as text[]))
              and state in ('failed', 'refused', 'parked')
            returning business_key, trigger
        """),
        {"keys": list(keys)},
    )
    found = rows.all()
    await ring(connection, {row.trigger for row in found})
    return [row.business_key for row in found]
