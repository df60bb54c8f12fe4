"""What came back about messages: a row for each kind, for people and machines apart; figures.

Whoever writes holds the delivery's row, so that two who hear of the same mail at once count it
once, and a burst of clicks is seen as one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.engagement import Figures, Kind, Mark, Marks, Touch, take
from loyalty.lifecycle_policy import TrackingPolicy
from loyalty.store.bulk import insert_rows
from loyalty.store.tables import engagements


@dataclass(frozen=True, slots=True)
class Recorded:
    """A message about which something new came back.

    Attributes:
        is_first: Nothing of this kind was known before, of a person or of a machine.
        is_machine: Whether it was taken for a machine's.
    """

    delivery_id: UUID
    kind: Kind
    is_first: bool
    is_machine: bool
    at: datetime
    member_id: UUID | None
    capability: str
    target: str


_LOCKED = text("""
select id, sent_at, member_id, capability, target from deliveries
where id = any(cast(:ids as uuid[])) order by id for no key update
""")
_KNOWN = text("select * from engagements where delivery_id = any(cast(:ids as uuid[]))")
_GONE = text("""
delete from engagements e using unnest(cast(:ids as uuid[]), cast(:kinds as text[])) as u(id, kind)
where e.delivery_id = u.id and e.kind = u.kind and not e.is_machine
""")


async def record(
    connection: AsyncConnection,
    touches: Sequence[tuple[UUID, Touch]],
    *,
    policy: TrackingPolicy,
) -> list[Recorded | None]:
    """Writes down what came back about deliveries, in the order of the list.

    Returns:
        What each touch came to; None for a delivery that is not known (any more).
    """
    ids = sorted({one for one, _ in touches})
    if not ids:
        return []
    rows = {row.id: row for row in await connection.execute(_LOCKED, {"ids": ids})}
    known = await _known(connection, ids)
    before = {one: dict(marks) for one, marks in known.items()}
    recorded: list[Recorded | None] = []
    for one, touch in touches:
        row = rows.get(one)
        if row is None:
            recorded.append(None)
            continue
        after = take(known[one], touch, sent_at=row.sent_at, policy=policy)
        recorded.append(_recorded(row, touch, known[one], after))
        known[one] = after
    await _write(connection, before, known)
    return recorded


def _recorded(row: Any, touch: Touch, before: Marks, after: Marks) -> Recorded:
    is_machine = after.get((touch.kind, False)) == before.get((touch.kind, False))
    return Recorded(
        delivery_id=row.id,
        kind=touch.kind,
        is_first=(touch.kind, is_machine) not in before,
        is_machine=is_machine,
        at=touch.at,
        member_id=row.member_id,
        capability=row.capability,
        target=row.target,
    )


async def _known(connection: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Marks]:
    known: dict[UUID, Marks] = defaultdict(dict)
    for row in await connection.execute(_KNOWN, {"ids": list(ids)}):
        known[row.delivery_id][Kind(row.kind), row.is_machine] = _mark_of(row)
    return known


def _mark_of(row: Any) -> Mark:
    return Mark(Kind(row.kind), row.is_machine, row.at, row.last_at, row.last_link, row.times)


async def _write(
    connection: AsyncConnection, before: Mapping[UUID, Marks], after: Mapping[UUID, Marks]
) -> None:
    gone = [
        (one, kind)
        for one, marks in after.items()
        for kind, is_machine in before.get(one, {})
        if not is_machine and (kind, is_machine) not in marks
    ]
    if gone:
        values = {"ids": [one for one, _ in gone], "kinds": [kind.value for _, kind in gone]}
        await connection.execute(_GONE, values)
    changed = [
        _row(one, mark)
        for one, marks in after.items()
        for key, mark in marks.items()
        if before.get(one, {}).get(key) != mark
    ]
    await insert_rows(connection, engagements, changed, tail=_OR_UPDATE)


_OR_UPDATE = """
on conflict (delivery_id, kind, is_machine) do update set at = excluded.at,
    last_at = excluded.last_at, last_link = excluded.last_link, times = excluded.times
"""


def _row(delivery_id: UUID, mark: Mark) -> dict[str, Any]:
    return {
        "delivery_id": delivery_id,
        "kind": mark.kind.value,
        "is_machine": mark.is_machine,
        "at": mark.at,
        "last_at": mark.last_at,
        "last_link": mark.last_link,
        "times": mark.times,
    }


# --- whose it is ---------------------------------------------------------------------------------

HUB = "hub"
"""The store of what the hub hears itself: a message is named there by its delivery's id."""

_OF_VENDOR = text("""
select d.id, d.connector || '/' || d.connection as route, d.vendor_id from deliveries d
where d.vendor_id <> '' and d.vendor_id = any(cast(:ids as text[]))
""")
_OF_HUB = text("""
select id, member_id from deliveries where id = any(cast(:ids as uuid[]))
""")


async def deliveries_of(
    connection: AsyncConnection, named: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], UUID]:
    """The deliveries that vendors speak of, by connection and the vendor's own id of the message.

    A message that the vendor was asked to send by somebody else is in none of them.
    """
    wanted = {(store, vendor_id) for store, vendor_id in named if vendor_id}
    found = {key: one for key in wanted if key[0] == HUB and (one := _uuid(key[1]))}
    ids = sorted({vendor_id for store, vendor_id in wanted if store != HUB})
    if ids:
        rows = await connection.execute(_OF_VENDOR, {"ids": ids})
        known = {(row.route, row.vendor_id): row.id for row in rows}
        found |= {key: known[key] for key in wanted if key in known}
    return found


async def members_of(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, UUID]:
    """Whose deliveries these are, of those that are a member's, by the ids as they were given."""
    wanted = {one: found for one in ids if (found := _uuid(one))}
    if not wanted:
        return {}
    rows = await connection.execute(_OF_HUB, {"ids": sorted(wanted.values())})
    owners = {row.id: row.member_id for row in rows if row.member_id}
    return {one: owners[found] for one, found in wanted.items() if found in owners}


def _uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


# --- figures -------------------------------------------------------------------------------------

# A person is a member, or an address; of several messages to one person the campaign counts one.
# What came back and was delivered later has arrived in the end.
_PEOPLE = """
with messages as (
    select d.id, d.campaign, d.sent_at, d.target, d.member_id,
           coalesce(d.member_id::text, nullif(d.target, ''), d.id::text) as person,
           exists (
               select 1 from engagements b where b.delivery_id = d.id and b.kind = 'bounced'
               and not exists (
                   select 1 from engagements a where a.delivery_id = d.id and a.kind = 'delivered'
                   and a.last_at >= b.last_at)
           ) as is_bounced
    from deliveries d
    where d.campaign = any(cast(:campaigns as text[])) and d.capability in ('email', 'sms')
),
people as (
    select m.campaign, m.person, max(m.target) as target, max(m.member_id::text) as member_id,
        min(m.sent_at) as sent_at,
        coalesce(bool_and(m.is_bounced) filter (where m.sent_at is not null), false) as is_bounced,
        min(e.at) filter (where e.kind = 'delivered') as confirmed_at,
        min(e.at) filter (where e.kind = 'complained') as complained_at,
        min(e.at) filter (where e.kind = 'unsubscribed') as unsubscribed_at,
        min(e.at) filter (where e.kind = 'opened' and not e.is_machine) as opened_at,
        min(e.at) filter (where e.kind = 'opened' and e.is_machine) as machine_opened_at,
        min(e.at) filter (where e.kind = 'clicked' and not e.is_machine) as clicked_at,
        min(e.at) filter (where e.kind = 'clicked' and e.is_machine) as machine_clicked_at,
        min(e.at) filter (where e.kind = 'joined') as joined_at
    from messages m left join engagements e on e.delivery_id = m.id
    group by m.campaign, m.person
)
"""
_FIGURES = text(
    _PEOPLE
    + """
select campaign, count(sent_at) as sent,
    count(sent_at) filter (where not is_bounced) as delivered,
    count(confirmed_at) as confirmed,
    count(*) filter (where is_bounced) as bounced,
    count(complained_at) as complained, count(unsubscribed_at) as unsubscribed,
    count(opened_at) as opens_human, count(machine_opened_at) as opens_machine,
    count(clicked_at) as clicks_human, count(machine_clicked_at) as clicks_machine,
    count(joined_at) as joined
from people group by campaign
"""
)
_PERSONS = text(
    _PEOPLE
    + """
select * from people where person > :beyond order by person limit :limit
"""
)


async def figures_of(connection: AsyncConnection, campaigns: Sequence[str]) -> dict[str, Figures]:
    """How campaigns did; one that has sent nothing has nothing but noughts."""
    found = {name: Figures() for name in campaigns}
    rows = await connection.execute(_FIGURES, {"campaigns": list(campaigns)})
    for row in rows.mappings():
        found[row["campaign"]] = Figures(**{name: row[name] for name in _COUNTED})
    return found


_COUNTED = tuple(Figures.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class PersonSeen:
    """What became of a campaign's messages to one person, each with its first instant.

    Attributes:
        person: Names them within the campaign, and where the next page begins.
        confirmed_at: When the vendor said that it arrived.
        opened_at: By a person, as `clicked_at`; what machines did stands apart.
    """

    person: str
    target: str
    member_id: UUID | None
    sent_at: datetime | None
    is_bounced: bool
    confirmed_at: datetime | None
    complained_at: datetime | None
    unsubscribed_at: datetime | None
    opened_at: datetime | None
    machine_opened_at: datetime | None
    clicked_at: datetime | None
    machine_clicked_at: datetime | None
    joined_at: datetime | None


async def people_of(
    connection: AsyncConnection, campaign: str, *, beyond: str = "", limit: int = 100
) -> list[PersonSeen]:
    """The people of a campaign, a page at a time.

    Args:
        beyond: The `person` of the last one of the page before.
    """
    wanted = {"campaigns": [campaign], "beyond": beyond, "limit": limit}
    rows = await connection.execute(_PERSONS, wanted)
    return [
        PersonSeen(
            member_id=UUID(row.member_id) if row.member_id else None,
            **{name: getattr(row, name) for name in _SEEN},
        )
        for row in rows
    ]


_SEEN = tuple(name for name in PersonSeen.__dataclass_fields__ if name != "member_id")
