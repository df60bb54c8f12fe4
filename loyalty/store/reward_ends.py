"""What ends by itself: deliveries of rewards, and rewards whose day has passed.

Both become events of the inbox, in the transaction of the end itself, so that the desk books
them once whatever is killed when. Whether something has happened is read from the rows, and the
events only say that there is something to read: telling twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.events import Event, EventType
from loyalty.reward_events import step_of
from loyalty.store import inbox

RULE = "reward:"
"""What a reward's delivery has instead of a rule: this and the catalogue's item."""
ENDED = ("sent", "dead", "suppressed", "cancelled")
"""States of a delivery in which nothing more will happen to it by itself."""
BATCH = 500


def issues_one(rule: str) -> bool:
    """Whether a delivery with this rule issues a reward."""
    return rule.startswith(RULE)


_ENDED_NOW = """
select r.id, r.member_id, r.item_id, r.terms, r.points, r.tries, d.state as delivery, d.reason
from rewards r join deliveries d on d.id = r.delivery_id
where r.state = 'held' and d.state = any(cast(:ended as text[])) {which}
order by r.id limit :limit
"""
_OF_THESE = text(_ENDED_NOW.format(which="and r.delivery_id = any(cast(:ids as uuid[]))"))
_OF_ALL = text(_ENDED_NOW.format(which=""))


async def tell(connection: AsyncConnection, ids: Sequence[UUID], *, now: datetime) -> int:
    """Puts an event into the inbox for each reward among these deliveries that has ended."""
    if not ids:
        return 0
    wanted = {"ids": list(ids), "ended": list(ENDED), "limit": len(ids)}
    rows = (await connection.execute(_OF_THESE, wanted)).all()
    return len(await inbox.emit(connection, [_ending(row, now) for row in rows], now=now))


async def tell_all(connection: AsyncConnection, *, now: datetime) -> int:
    """The same for whatever ended otherwise: by a person's word, or a person forgotten.

    Returns:
        How many were news.
    """
    wanted = {"ended": list(ENDED), "limit": BATCH}
    rows = (await connection.execute(_OF_ALL, wanted)).all()
    return len(await inbox.emit(connection, [_ending(row, now) for row in rows], now=now))


def _ending(row: Any, now: datetime) -> Event:
    is_sent = row.delivery == "sent"
    kind = EventType.REWARD_ISSUED if is_sent else EventType.REWARD_FAILED
    reason = "" if is_sent else f"{row.delivery}: {row.reason}"[:500]
    return step_of(row, kind, key=f"{row.id}:{row.tries}", at=now, reason=reason)


_EXPIRED = text("""
with gone as (
    select id from rewards where state = 'issued' and expires_at <= :now
    order by expires_at, id limit :limit for update skip locked
)
update rewards t set state = 'expired', ended_at = t.expires_at from gone
where t.id = gone.id
returning t.id, t.member_id, t.item_id, t.terms, t.points, t.expires_at
""")


async def expire(connection: AsyncConnection, *, now: datetime) -> int:
    """Writes down what has expired unused, up to BATCH; returns how many that were."""
    rows = (await connection.execute(_EXPIRED, {"now": now, "limit": BATCH})).all()
    events = [
        step_of(
            row,
            EventType.REWARD_EXPIRED,
            key=str(row.id),
            at=row.expires_at,
            gives_back=bool(row.terms.get("returns_on_expiry", False)),
        )
        for row in rows
    ]
    await inbox.emit(connection, events, now=now)
    return len(rows)
