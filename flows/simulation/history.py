"""What is stored of the members on trial: their events, in the order they were worked off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.simulation.trial import Figures, Trial
from loyalty.events import Event, EventType, stored_event
from loyalty.points import EntryKind

COUNTED = (
    EntryKind.EARN,
    EntryKind.REVERSE,
    EntryKind.RESTORE,
    EntryKind.ADJUST,
    EntryKind.WRITE_OFF,
)
"""Entries that rules and refunds make. What members spend, and what expires, is no effect of a
rule and would hide it."""

MESSAGES = ("sms", "email")

_GIFT_CODE = EventType.GIFT_CODE_REDEEMED.value

_OWN = (EventType.MILESTONE_REACHED.value, EventType.TIER_CHANGED.value)
"""Events that booking itself brings forth: the replay makes its own."""


@dataclass(frozen=True, slots=True)
class Known:
    """What was known of a member at an event and follows from no event."""

    tags: list[str]
    segments: list[str]
    zone: str
    email: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class Happened:
    """A stored event, and when and under what it was worked off.

    Attributes:
        code: How it ended, in a word; empty where nothing was remarkable.
    """

    id: int
    event: Event
    at: datetime
    member_id: UUID
    version: str
    programme: str
    known: Known | None
    is_done: bool = True
    code: str = ""


@dataclass(slots=True)
class History:
    """What some members did, oldest first, and what could not be read of it."""

    events: list[Happened] = field(default_factory=list)
    unreadable: int = 0


_GROUPS = text("""
with recursive heirs as (
    select id, id as root from members where merged_into is null
    union all
    select m.id, h.root from members m join heirs h on m.merged_into = h.id
), touched as (
    select distinct h.root from inbox i join heirs h on h.id = i.member_id
    where cast(:all as boolean) or (i.occurred_at >= :since and i.occurred_at < :until)
), counts as (
    select h.root, count(*) as n from inbox i join heirs h on h.id = i.member_id
    join touched t on t.root = h.root where i.occurred_at < :until group by h.root
)
select array_agg(h.id order by h.id <> h.root, h.id) as ids, max(c.n) as n
from counts c join heirs h on h.root = c.root group by c.root order by n desc, c.root
""")

_EVENTS = text("""
select id, store, type, key, subject, occurred_at, data::text as data, done_at, member_id,
       outcome ->> 'version' as version, outcome ->> 'programme' as programme,
       outcome #> '{facts,tags}' as tags, outcome #> '{facts,segments}' as segments,
       outcome #>> '{facts,zone}' as zone, outcome #>> '{facts,email}' as email,
       outcome #>> '{facts,phone}' as phone, outcome ? 'facts' as is_known,
       outcome -> 'gift_code' as gift_code, state, outcome ->> 'code' as code
from inbox
where member_id = any(:ids) and occurred_at < :until and state in ('done', 'refused')
      and not (store = 'hub' and type = any(:own))
order by done_at, id
""")

_BOOKED = text("""
select e.member_id, sum(e.points) filter (where e.points > 0) as added,
       -sum(e.points) filter (where e.points < 0) as removed
from entries e join inbox i on i.id = e.event_id
where e.member_id = any(:ids) and e.kind = any(:kinds)
      and i.occurred_at >= :since and i.occurred_at < :until
group by e.member_id
""")

_TIERS = text("""
select distinct on (member_id) member_id, data ->> 'after' as tier from inbox
where member_id = any(:ids) and type = 'tier.changed' and store = 'hub' and occurred_at < :until
order by member_id, id desc
""")

_SENT = text("""
select d.member_id, d.rule, d.capability, count(*) as n
from deliveries d join inbox i on i.id = d.event_id
where d.member_id = any(:ids) and d.state not in ('suppressed', 'cancelled')
      and i.occurred_at >= :since and i.occurred_at < :until
group by 1, 2, 3
""")


async def groups(
    connection: AsyncConnection, trial: Trial, *, everybody: bool
) -> list[tuple[list[UUID], int]]:
    """Members who were there in the period, merged ones together, with how many events each."""
    rows = await connection.execute(
        _GROUPS, {"since": trial.since, "until": trial.until, "all": everybody}
    )
    return [(list(row.ids), row.n) for row in rows]


async def history(connection: AsyncConnection, ids: Sequence[UUID], until: datetime) -> History:
    """The events of these members before an instant, in the order they were worked off."""
    found = History()
    rows = await connection.execute(_EVENTS, {"ids": ids, "until": until, "own": list(_OWN)})
    for row in rows:
        try:
            found.events.append(_happened(row))
        except (ValidationError, ValueError):
            found.unreadable += 1
    return found


def _happened(row: Any) -> Happened:
    event = stored_event(
        row.type,
        store=row.store,
        key=row.key,
        time=row.occurred_at,
        subject=row.subject,
        data=_data(row),
    )
    return Happened(
        id=row.id,
        event=event,
        at=row.done_at or row.occurred_at,
        member_id=row.member_id,
        version=row.version or "",
        programme=row.programme or "",
        known=Known(row.tags or [], row.segments or [], row.zone or "", row.email, row.phone)
        if row.is_known
        else None,
        is_done=row.state == "done",
        code=row.code or "",
    )


def _data(row: Any) -> dict[str, Any] | str:
    """The event's data as JSON; of a gift code also what it turned out to be, whatever was
    reported."""
    data: str = row.data
    if row.type != _GIFT_CODE:
        return data
    return orjson.loads(data) | {"points": 0} | (row.gift_code or {})


async def actuals(
    connection: AsyncConnection, ids: Sequence[UUID], trial: Trial
) -> tuple[dict[UUID, Figures], dict[str, int]]:
    """What was booked and sent for these members in the period, and what was sent by rule."""
    found = {one: Figures() for one in ids}
    between = {"ids": ids, "since": trial.since, "until": trial.until}
    kinds = [kind.value for kind in COUNTED]
    for row in await connection.execute(_BOOKED, between | {"kinds": kinds}):
        found[row.member_id].added += int(row.added or 0)
        found[row.member_id].removed += int(row.removed or 0)
    for row in await connection.execute(_TIERS, {"ids": ids, "until": trial.until}):
        found[row.member_id].tier = row.tier or ""
    sent: dict[str, int] = {}
    for row in await connection.execute(_SENT, between):
        sent[sent_key(row.rule, row.capability)] = (
            sent.get(sent_key(row.rule, row.capability), 0) + row.n
        )
        if row.capability in MESSAGES:
            found[row.member_id].messages += row.n
    return found, sent


def sent_key(rule: str, capability: str) -> str:
    """How a tally names what a rule sends: `welcome email`."""
    return f"{rule} {capability}".strip()


def chunks(groups: Sequence[list[UUID]], size: int) -> Iterator[list[list[UUID]]]:
    """Groups of members in handfuls, so that no process holds more than so many at once."""
    for at in range(0, len(groups), size):
        yield list(groups[at : at + size])
