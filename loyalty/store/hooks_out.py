"""Subscriptions of others at the hub: an event's type, and the address that hears of it.

A change rings the bell of the connections, which every worker listens to already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store.connections import BELL
from loyalty.store.ids import new_id

CAPABILITY = "hook"
"""What a delivery to a subscriber says of itself; its target is the subscription's id."""

MOST = 500
"""Active subscriptions of one connection: every event may be told to each of them."""

LOOK_BACK = 5000
"""How many of the newest events are looked through for an example of a type."""


class TooMany(Exception):
    """The connection has as many subscriptions as it may have."""


@dataclass(frozen=True, slots=True)
class HookOut:
    """An active subscription.

    Attributes:
        include_own: Whether it also hears of what its own connection reported.
    """

    id: UUID
    connector: str
    connection: str
    event: str
    target_url: str
    include_own: bool = False

    @property
    def slug(self) -> str:
        """`zapier/main`."""
        return f"{self.connector}/{self.connection}"


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of the inbox that was worked off."""

    id: int
    store: str
    type: str
    key: str
    subject: str
    time: datetime
    data: dict[str, Any]
    outcome: dict[str, Any] | None
    member_id: UUID | None


Hooks = Mapping[str, Sequence[HookOut]]
"""The active subscriptions by type of event."""


async def load(connection: AsyncConnection) -> Hooks:
    """All active subscriptions; empty where there are none."""
    rows = await connection.execute(
        text(
            "select id, connector, connection, event, target_url, include_own"
            " from hooks_out where state = 'active' order by id"
        )
    )
    found: dict[str, list[HookOut]] = {}
    for row in rows:
        found.setdefault(row.event, []).append(HookOut(*row))
    return found


async def subscribe(
    connection: AsyncConnection,
    slug: str,
    *,
    event: str,
    target_url: str,
    include_own: bool = False,
    now: datetime,
) -> tuple[UUID, bool]:
    """Adds a subscription; the same once more is the one there is.

    Returns:
        Its id, and whether it is new.

    Raises:
        TooMany: The connection has `MOST` of them already.
    """
    connector, _, name = slug.partition("/")
    await connection.execute(
        text("select pg_advisory_xact_lock(hashtext('hooks_out'), hashtext(:slug))"),
        {"slug": slug},
    )
    count = await connection.scalar(
        text(
            "select count(*) from hooks_out where state = 'active' and connector = :connector"
            " and connection = :name and not (event = :event and target_url = :url)"
        ),
        {"connector": connector, "name": name, "event": event, "url": target_url},
    )
    if (count or 0) >= MOST:
        raise TooMany(f"{slug} has {MOST} subscriptions already")
    row = (
        await connection.execute(
            text("""
                insert into hooks_out
                    (id, connector, connection, event, target_url, include_own, created_at)
                values (:id, :connector, :name, :event, :url, :own, :now)
                on conflict (connector, connection, event, target_url) where state = 'active'
                do update set include_own = excluded.include_own
                returning id, xmax = 0 as is_new
            """),
            {
                "id": new_id(now),
                "connector": connector,
                "name": name,
                "event": event,
                "url": target_url,
                "own": include_own,
                "now": now,
            },
        )
    ).one()
    await _ring(connection)
    return row.id, row.is_new


async def unsubscribe(connection: AsyncConnection, slug: str, id: UUID, *, now: datetime) -> bool:
    """Ends a subscription of this connection; whether there ever was such a one."""
    known = await connection.scalar(
        text("select connector || '/' || connection from hooks_out where id = :id"), {"id": id}
    )
    if known != slug:
        return False
    await end(connection, id, reason="unsubscribed", now=now)
    return True


async def end(connection: AsyncConnection, id: UUID, *, reason: str, now: datetime) -> None:
    """Ends a subscription, and cancels what still waits to be told to it."""
    ended = await connection.execute(
        text("""
            update hooks_out set state = 'ended', reason = :reason, ended_at = :now
            where id = :id and state = 'active' returning connector, connection
        """),
        {"id": id, "reason": reason, "now": now},
    )
    row = ended.first()
    if row is None:
        return
    await connection.execute(
        text("""
            update deliveries set state = 'cancelled', reason = :reason, owner = '',
                   lease_until = null
            where capability = :capability and target = :id and connector = :connector
              and connection = :connection and state in ('parked', 'held')
        """),
        {
            "id": str(id),
            "capability": CAPABILITY,
            "reason": f"the subscription has ended: {reason}",
            "connector": row.connector,
            "connection": row.connection,
        },
    )
    await _ring(connection)


async def latest(connection: AsyncConnection, event: str, *, limit: int) -> list[Happened]:
    """The newest events of a type that were worked off, newest first.

    Only the last `LOOK_BACK` events are looked through, so that it is quick in a large inbox.
    """
    rows = await connection.execute(
        text("""
            select id, store, type, key, subject, occurred_at, data, outcome, member_id
            from (select * from inbox order by id desc limit :back) as newest
            where type = :event and state = 'done' order by id desc limit :limit
        """),
        {"event": event, "limit": limit, "back": LOOK_BACK},
    )
    return [Happened(*row) for row in rows]


async def _ring(connection: AsyncConnection) -> None:
    await connection.execute(text("select pg_notify(:bell, '')"), {"bell": BELL})
