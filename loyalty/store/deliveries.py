"""Deliveries: what is to be sent, under a key that never changes, until it is known to be sent.

States: pending (to be sent now), sending (a call is under way), parked (until
next_attempt_at), held (its connection is not ready), sent, unknown (nobody can tell), dead,
suppressed (the gate said no), cancelled (by a person).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.gate import Verdict
from loyalty.store import reward_ends, verdicts
from loyalty.store.bulk import insert_rows, update_rows
from loyalty.store.tables import attempts, deliveries

LEASE = timedelta(minutes=5)
"""How long a worker may hold deliveries; a worker that died loses them at once."""

ALIVE = timedelta(seconds=10)
"""A worker that was not seen for longer counts as dead."""


@dataclass(slots=True)
class Delivery:
    """One message, record or call that is to reach a vendor.

    Attributes:
        purpose: Of a message to a person: marketing or transactional; empty for all else.
        target: Of a message: the address it goes to.
        zone: Of a message: the person's, as known when it was planned.
        verdict: The gate's; the store keeps it in a row of its own.
        behind: The same message on other channels, for where it does not arrive on this one; the
            store keeps it in a row of its own (`loyalty.store.fallbacks`).
    """

    id: UUID
    key: str
    capability: str
    input: dict[str, Any]
    state: str
    created_at: datetime
    connector: str = ""
    connection: str = ""
    action: str = ""
    event_id: int | None = None
    member_id: UUID | None = None
    rule: str = ""
    target: str = ""
    reason: str = ""
    attempts: int = 0
    next_attempt_at: datetime | None = None
    owner: str = ""
    lease_until: datetime | None = None
    vendor_id: str = ""
    sent_at: datetime | None = None
    purpose: str = ""
    topic: str = ""
    zone: str = ""
    campaign: str = ""
    priority: int = 0
    valid_until: datetime | None = None
    verdict: Verdict | None = None
    behind: list[Delivery] = field(default_factory=list)

    @property
    def route(self) -> str:
        """The connection it goes through: `twilio/main`; empty where none is configured."""
        return f"{self.connector}/{self.connection}" if self.connector else ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended and what becomes of the delivery.

    Attributes:
        attempted: False where nothing was sent (a pause asked for in advance): no attempt
            is counted.
    """

    delivery: Delivery
    state: str
    started_at: datetime
    ended_at: datetime
    reason: str = ""
    vendor_id: str = ""
    next_attempt_at: datetime | None = None
    vendor_code: str = ""
    request_id: str = ""
    attempted: bool = True


_FIELDS = tuple(column.name for column in deliveries.columns)
_PLANNED = tuple(name for name in _FIELDS if name not in ("attempts", "vendor_id", "sent_at"))
"""What a delivery has from the beginning; the rest is what the table gives it."""
_values = attrgetter(*_PLANNED)


async def plan(connection: AsyncConnection, planned: Sequence[Delivery]) -> list[Delivery]:
    """Writes deliveries; one whose key exists already is left out of the answer."""
    rows = [plain(one) for one in planned]
    new = await insert_rows(
        connection, deliveries, rows, tail="on conflict (key) do nothing returning id"
    )
    ids = {row.id for row in new}
    found = [one for one in planned if one.id in ids]
    await verdicts.keep(connection, found)
    return found


def plain(delivery: Delivery) -> dict[str, Any]:
    """What a delivery is planned with, by name; `dumps` of the store writes it as JSON."""
    return dict(zip(_PLANNED, _values(delivery), strict=True))


_LIVING = (
    "select name from workers where seen_at > cast(:now as timestamptz) - cast(:alive as interval)"
)
_FREE = f"(d.owner = '' or d.lease_until <= :now or d.owner not in ({_LIVING}))"
# Whoever takes lives, also where it was late to say so: what it holds already is not free.
_FREE_FOR = _FREE.replace(_LIVING, f"select cast(:owner as text) union all {_LIVING}")

_TAKE_DUE = text(f"""
with due as (
    select d.id from deliveries d
    join connections c on c.connector = d.connector and c.name = d.connection
    where c.state = 'active' and d.state in ('pending', 'parked', 'held') and d.action <> ''
      and (d.state <> 'parked' or d.next_attempt_at <= :now) and {_FREE_FOR}
    order by d.id limit :limit for update of d skip locked
)
update deliveries t set state = 'pending', owner = :owner, lease_until = :lease, reason = ''
from due where due.id = t.id returning t.*
""")  # noqa: S608

_TAKE_LOST = text(f"""
with lost as (
    select d.id from deliveries d where d.state = 'sending' and {_FREE_FOR}
    order by d.id limit :limit for update skip locked
)
update deliveries t set owner = :owner, lease_until = :lease
from lost where lost.id = t.id returning t.*
""")  # noqa: S608


async def take_due(
    connection: AsyncConnection, *, owner: str, limit: int, now: datetime, alive: timedelta = ALIVE
) -> list[Delivery]:
    """Leases what is due and whose connection is ready, oldest first."""
    wanted = {"owner": owner, "limit": limit, "now": now, "lease": now + LEASE, "alive": alive}
    return await _take(connection, _TAKE_DUE, wanted)


async def take_lost(
    connection: AsyncConnection, *, owner: str, limit: int, now: datetime, alive: timedelta = ALIVE
) -> list[Delivery]:
    """Leases what a worker was sending when it died: whether it arrived is not known."""
    wanted = {"owner": owner, "limit": limit, "now": now, "lease": now + LEASE, "alive": alive}
    return await _take(connection, _TAKE_LOST, wanted)


async def _take(
    connection: AsyncConnection, statement: Any, wanted: dict[str, Any]
) -> list[Delivery]:
    rows = await connection.execute(statement, wanted)
    found = [delivery_of(row) for row in rows]
    return sorted(found, key=lambda one: one.id)


def delivery_of(row: Any) -> Delivery:
    """A delivery from its row."""
    return Delivery(**{name: getattr(row, name) for name in _FIELDS})


async def begin(
    connection: AsyncConnection, ids: Sequence[UUID], *, owner: str, now: datetime
) -> set[UUID]:
    """Marks deliveries as being sent, before the call; only those still leased to the owner.

    Repeating it with the same `now` is harmless: an owner that does not know whether its mark
    was committed, because the database went away, marks again. The lease that the mark sets
    tells its own mark from that of another run of the same worker.
    """
    if not ids:
        return set()
    rows = await connection.execute(
        text("""
            update deliveries set state = 'sending', lease_until = :lease,
                   attempts = attempts + case when state = 'pending' then 1 else 0 end
            where id = any(:ids) and owner = :owner
              and (state = 'pending' or (state = 'sending' and lease_until = :lease))
            returning id
        """),
        {"ids": list(ids), "owner": owner, "lease": now + LEASE},
    )
    return {row.id for row in rows}


async def leased(connection: AsyncConnection, ids: Sequence[UUID], *, owner: str) -> set[UUID]:
    """Which of these are still leased to the owner and wait to be sent."""
    if not ids:
        return set()
    rows = await connection.execute(
        text("""
            select id from deliveries
            where id = any(:ids) and owner = :owner and state = 'pending'
        """),
        {"ids": list(ids), "owner": owner},
    )
    return {row.id for row in rows}


async def finish(connection: AsyncConnection, outcomes: Sequence[Outcome]) -> None:
    """Writes down how attempts ended and gives the leases back.

    That something was sent is always written down. Any other end counts only while the lease
    is still the one the attempt was made under: whoever has taken the delivery over meanwhile
    decides what becomes of it. What waits for the end of a reward's delivery is told of it.
    """
    await update_rows(
        connection,
        deliveries,
        "id",
        [
            {
                "id": one.delivery.id,
                "state": one.state,
                "reason": one.reason,
                "attempts": one.delivery.attempts,
                "next_attempt_at": one.next_attempt_at,
                "vendor_id": one.vendor_id or one.delivery.vendor_id,
                "sent_at": one.ended_at if one.state == "sent" else None,
                "owner": "",
                "lease_until": None,
                "leased_to": one.delivery.owner,
            }
            for one in outcomes
        ],
        given={"leased_to": "text"},
        where=(
            "and t.state not in ('sent', 'cancelled')"
            " and (r.state = 'sent' or t.owner = r.leased_to)"
        ),
    )
    await insert_rows(
        connection,
        attempts,
        [_attempt(one) for one in outcomes if one.attempted],
        tail="on conflict do nothing",
    )
    ended = [one for one in outcomes if reward_ends.issues_one(one.delivery.rule)]
    if ended:
        ids = [one.delivery.id for one in ended]
        await reward_ends.tell(connection, ids, now=max(one.ended_at for one in ended))


def _attempt(outcome: Outcome) -> dict[str, Any]:
    return {
        "delivery_id": outcome.delivery.id,
        "number": outcome.delivery.attempts,
        "started_at": outcome.started_at,
        "ended_at": outcome.ended_at,
        "outcome": outcome.state,
        "detail": outcome.reason,
        "vendor_code": outcome.vendor_code,
        "request_id": outcome.request_id,
    }


async def make_pending(connection: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Lets deliveries that were being sent be sent again, still leased."""
    if ids:
        await connection.execute(
            text("update deliveries set state = 'pending' where id = any(:ids)"),
            {"ids": list(ids)},
        )


async def without_route(connection: AsyncConnection, served: Sequence[str]) -> list[str]:
    """The capabilities among these for which deliveries wait that no connection served."""
    rows = await connection.execute(
        text("""
            select distinct capability from deliveries
            where state = 'held' and connector = '' and capability = any(cast(:served as text[]))
        """),
        {"served": list(served)},
    )
    return [row.capability for row in rows]


async def assign(
    connection: AsyncConnection, capability: str, *, connector: str, name: str, action: str
) -> None:
    """Gives the waiting deliveries of a capability their connection."""
    await connection.execute(
        text("""
            update deliveries set connector = :connector, connection = :name, action = :action
            where state = 'held' and connector = '' and capability = :capability
        """),
        {"connector": connector, "name": name, "action": action, "capability": capability},
    )


async def give_back(connection: AsyncConnection, ids: Sequence[UUID], *, owner: str) -> None:
    """Ends the lease of deliveries that were not begun, so that anybody may take them."""
    if ids:
        await connection.execute(
            text("""
                update deliveries set owner = '', lease_until = null
                where id = any(:ids) and owner = :owner and state = 'pending'
            """),
            {"ids": list(ids), "owner": owner},
        )


async def give_back_lease(connection: AsyncConnection, *, owner: str, leased_at: datetime) -> None:
    """Frees what the owner leased at an instant and nobody works on."""
    await connection.execute(
        text("""
            update deliveries set owner = '', lease_until = null
            where owner = :owner and lease_until = :lease and state in ('pending', 'sending')
        """),
        {"owner": owner, "lease": leased_at + LEASE},
    )


async def give_back_events(
    connection: AsyncConnection, event_ids: Sequence[int], *, owner: str
) -> None:
    """Frees what was planned for these events by a transaction whose end nobody learned of."""
    await connection.execute(
        text("""
            update deliveries set owner = '', lease_until = null
            where event_id = any(:ids) and owner = :owner and state = 'pending'
        """),
        {"ids": list(event_ids), "owner": owner},
    )


async def next_due(connection: AsyncConnection, *, now: datetime) -> datetime | None:
    """When the next delivery can be sent: now, at an instant to come, or None."""
    row = (
        await connection.execute(
            text(f"""
                select min(case when d.state = 'parked' then d.next_attempt_at
                                else cast(:now as timestamptz) end) as due
                from deliveries d
                left join connections c on c.connector = d.connector and c.name = d.connection
                where d.state in ('pending', 'parked', 'held', 'sending') and {_FREE}
                  and ((c.state = 'active' and d.action <> '') or d.state = 'sending')
            """),  # noqa: S608
            {"now": now, "alive": ALIVE},
        )
    ).first()
    return None if row is None else row.due
