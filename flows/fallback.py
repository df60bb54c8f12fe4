"""Takes a message from channel to channel until one of them reaches its person; never two at once.

No Prefect here. A chain begins where a message asks for `channel: auto`; a vendor's report, or
silence for too long, leads on to the next channel, which passes the gate like any other message.
Whatever is heard of a channel that was left already changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.engagement import Kind
from loyalty.lifecycle_policy import FallbackPolicy
from loyalty.store import deliveries, fallbacks
from loyalty.store.deliveries import Delivery
from loyalty.store.engagement import Recorded
from loyalty.store.fallbacks import ARRIVED, ENDED, USED_UP, Fallback
from loyalty.store.ids import new_id

BATCH = 200
"""How many messages a transaction takes further: they are held while it runs."""

_ARRIVED = frozenset({Kind.DELIVERED, Kind.OPENED, Kind.CLICKED})
_FAILED = frozenset({Kind.BOUNCED})
_BECAUSE = {
    "dead": "could not be sent",
    "suppressed": "was held back by the gate",
    "sent": "was not reported as delivered in time",
    "unknown": "was not reported as delivered in time",
}


async def begin_chains(
    connection: AsyncConnection, new: Sequence[Delivery], policy: FallbackPolicy, *, now: datetime
) -> None:
    """Lets messages wait that have other channels behind them; in the transaction that plans them.

    Args:
        new: Deliveries that were written just now.
    """
    await fallbacks.add(connection, [_waiting(one, policy, now) for one in new if one.behind])


def _waiting(one: Delivery, policy: FallbackPolicy, now: datetime) -> Fallback:
    minutes = policy.wait_minutes
    return Fallback(
        id=new_id(now),
        key=one.key,
        delivery_id=one.id,
        rest=one.behind,
        started_at=now,
        member_id=one.member_id,
        wait_seconds=None if minutes is None else minutes * 60,
    )


async def hear(
    connection: AsyncConnection, recorded: Sequence[Recorded], *, now: datetime
) -> list[Delivery]:
    """Takes in what became of deliveries; returns what their messages send instead.

    The caller plans what is returned in the same transaction.
    """
    told = {one.delivery_id: one for one in recorded if one.kind in _ARRIVED | _FAILED}
    waiting = await fallbacks.waiting_for(connection, sorted(told))
    following = []
    for one in waiting:
        if told[one.delivery_id].kind in _FAILED:
            following += go_on(one, "came back", now=now)
        elif not told[one.delivery_id].is_machine:
            _end(one, ARRIVED, "", now)
    await fallbacks.save(connection, waiting)
    return following


async def go_on_where_due(connection: AsyncConnection, *, now: datetime, limit: int = BATCH) -> int:
    """Takes messages further that failed, or of which nothing was heard for too long.

    Returns:
        How many were looked at: fewer than `limit` once none is left.
    """
    due = await fallbacks.due(connection, now=now, limit=limit)
    following = []
    for one, reached in due:
        if reached == "cancelled":
            _end(one, ENDED, "somebody called it off", now)
        else:
            following += go_on(one, _BECAUSE[reached], now=now)
    await deliveries.plan(connection, following)
    await fallbacks.save(connection, [one for one, _ in due])
    return len(due)


def go_on(one: Fallback, because: str, *, now: datetime) -> list[Delivery]:
    """The delivery of the message's next channel, due now; none where there is no other.

    It is put among what waits, so that the gate judges it at the moment it would go.
    """
    if not one.rest:
        _end(one, USED_UP, f"the last channel {because}", now)
        return []
    following, *one.rest = one.rest
    following.id = new_id(now)
    following.state, following.reason = "parked", f"sent instead of another channel that {because}"
    following.created_at = following.next_attempt_at = now
    following.owner, following.lease_until = "", None
    one.delivery_id = following.id
    return [following]


def _end(one: Fallback, state: str, reason: str, now: datetime) -> None:
    one.state, one.reason, one.ended_at, one.rest = state, reason, now, []
