"""What the gate knows of addresses, loaded for one transaction."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.gate import Knowledge, Reason, Use
from loyalty.gate.caps import horizon
from loyalty.messaging_policy import MessagingPolicy
from loyalty.store import people

Address = tuple[str, str]

_STOPPED = text("""
with asked as (
    select * from unnest(cast(:channels as text[]), cast(:addresses as text[]))
        as a(channel, address)
)
select channel, address, reason, 1 as weight from suppressions join asked using (channel, address)
where lifted_at is null
union all
select channel, address, 'paused_for_review', 2 from reviews join asked using (channel, address)
where state = 'open'
order by weight desc, reason
""")

# Where a message was put off it has its place at the instant it will go.
_USES = text("""
select d.id, d.capability as channel, d.target as address, d.priority,
       d.state in ('parked', 'held') as is_waiting,
       coalesce(d.sent_at, case when d.state in ('parked', 'held') then d.next_attempt_at end,
                d.created_at) as at
from deliveries d
join unnest(cast(:channels as text[]), cast(:addresses as text[])) as a(channel, address)
     on d.target = a.address and d.capability = a.channel
where d.purpose = 'marketing'
  and d.state in ('pending', 'sending', 'sent', 'parked', 'held', 'unknown')
  and coalesce(d.sent_at, d.next_attempt_at, d.created_at) > :since
""")


async def knowledge(
    connection: AsyncConnection,
    addresses: Collection[Address],
    policy: MessagingPolicy,
    *,
    now: datetime,
) -> Knowledge:
    """What the gate has to know of these addresses.

    Where there are frequency caps the addresses are locked until the transaction ends: two
    transactions at once cannot both take the last place.
    """
    asked = sorted({one for one in addresses if one[1]})
    if not asked:
        return Knowledge()
    channels, values = zip(*asked, strict=True)
    wanted: dict[str, Any] = {"channels": list(channels), "addresses": list(values)}
    if policy.frequency_caps:
        await _lock(connection, asked)
    known = Knowledge(words=await people.words_on(connection, asked))
    for row in await connection.execute(_STOPPED, wanted):
        known.stopped[row.channel, row.address] = Reason(row.reason)
    if policy.frequency_caps:
        known.uses |= await _uses(connection, wanted, now - horizon(policy.frequency_caps))
    return known


async def _lock(connection: AsyncConnection, addresses: Iterable[Address]) -> None:
    keys = sorted(_lock_key(*one) for one in addresses)
    await connection.execute(
        text("select pg_advisory_xact_lock(k) from unnest(cast(:keys as bigint[])) as k"),
        {"keys": keys},
    )


def _lock_key(channel: str, address: str) -> int:
    digest = hashlib.sha256(f"gate:{channel}:{address}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


async def _uses(
    connection: AsyncConnection, wanted: dict[str, Any], since: datetime
) -> dict[Address, list[Use]]:
    found: dict[Address, list[Use]] = defaultdict(list)
    for row in await connection.execute(_USES, {**wanted, "since": since - timedelta(hours=1)}):
        use = Use(row.id, row.at, row.priority, row.is_waiting)
        found[row.channel, row.address].append(use)
    return found
