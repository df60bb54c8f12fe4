"""Webhook subscriptions at the vendors: who looks after which, how they stand, when one was heard.

Heard means: an event with the bytes of a request, or a doorbell. The inbox is read from where
the last look ended, so that a look costs what came in since.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store import connections

LEASE = timedelta(minutes=5)
"""How long a look at one connection may take; then another worker may look."""


@dataclass(frozen=True, slots=True)
class Care:
    """One worker's turn at the subscriptions of one connection.

    Attributes:
        address: Where they led at the last look; empty where there was none.
        problem: What was wrong at the last look; empty where all was well.
        heard_at: When a webhook last came in; None where none ever did.
        canary_at: When the vendor was last asked for a test delivery.
    """

    connection: str
    owner: str
    address: str
    problem: str
    heard_at: datetime | None
    canary_at: datetime | None


_TAKE = text("""
insert into subscriptions (connection, owner, lease_until) values (:slug, :owner, :until)
on conflict (connection) do update set owner = excluded.owner, lease_until = excluded.lease_until
where subscriptions.owner = '' or subscriptions.lease_until <= :now
returning connection
""")

_HEARD = text("""
with heard as (
    select max(i.id) as id, max(i.received_at) filter (where i.raw is not null) as at
    from inbox i join subscriptions s on s.connection = :slug
    where i.id > s.heard_id and i.store = :slug
), rung as (
    select max(rung_at) as at from polls where connection = :slug
)
update subscriptions s
set heard_at = greatest(s.heard_at, heard.at, rung.at),
    heard_id = greatest(s.heard_id, coalesce(heard.id, 0))
from heard, rung where s.connection = :slug
""")


async def take(connection: AsyncConnection, slug: str, *, owner: str, now: datetime) -> Care | None:
    """Leases a connection's subscriptions; None where somebody else looks after them now."""
    wanted = {
        "slug": slug,
        "owner": f"{owner}#{uuid4().hex[:12]}",
        "until": now + LEASE,
        "now": now,
    }
    taken = await connection.execute(_TAKE, wanted)
    if taken.first() is None:
        return None
    await connection.execute(_HEARD, {"slug": slug})
    row = (
        await connection.execute(
            text(
                "select connection, owner, address, problem, heard_at, canary_at"
                " from subscriptions"
                " where connection = :slug"
            ),
            {"slug": slug},
        )
    ).one()
    return Care(*row)


async def note_canary(connection: AsyncConnection, care: Care, *, now: datetime) -> None:
    """The vendor was asked for a test delivery."""
    await connection.execute(
        text("update subscriptions set canary_at = :now where connection = :slug"),
        {"slug": care.connection, "now": now},
    )


async def settle(
    connection: AsyncConnection,
    care: Care,
    *,
    address: str,
    ends_at: datetime | None,
    problem: str,
    now: datetime,
) -> bool:
    """Ends a look, and notes how the subscriptions stand.

    Returns:
        Whether something is wrong that was not known: only then somebody is to be told.
    """
    await connection.execute(
        text("""
            update subscriptions set owner = '', lease_until = null, address = :address,
                ends_at = :ends_at, problem = :problem,
                ensured_at = case when :problem = '' then :now else ensured_at end
            where connection = :slug and owner = :owner
        """),
        {
            "slug": care.connection,
            "owner": care.owner,
            "address": address,
            "ends_at": ends_at,
            "problem": problem[:500],
            "now": now,
        },
    )
    if problem[:500] != care.problem:
        await connections.ring(connection)
    return bool(problem) and not care.problem
