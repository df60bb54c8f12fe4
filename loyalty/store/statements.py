"""What a member sees of the books: balance, what expires when, and every movement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty import expiry as dates
from loyalty.points import Balance, Lot
from loyalty.shelf import Lifetimes
from loyalty.store import balances
from loyalty.store.books import LOT_COLUMNS, BookTerms

MOST_LOTS = 500
"""Of one member, soonest first: more would be no list for people any more."""


@dataclass(frozen=True, slots=True)
class Movement:
    """A line of the ledger as its member may read it.

    Attributes:
        sale: `store:order id` of the order it belongs to; empty for others.
        reason: What somebody of the team wrote who gave or took the points.
        reward: What was redeemed, for points that were spent.
    """

    id: UUID
    kind: str
    points: int
    rule: str
    sale: str
    reason: str
    reward: str
    event_type: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Statement:
    """A member's account at an instant.

    Attributes:
        lapsing: How many points are gone at which instant, soonest first.
    """

    first_name: str
    tier: str
    joined_at: datetime
    balance: Balance
    lapsing: Sequence[tuple[datetime, int]]


_MEMBER = text("""
select id, first_name, tier, joined_at, last_activity_at from members
where id = :id and state = 'enrolled'
""")

_LOTS = text(f"""
select {LOT_COLUMNS} from lots l
where member_id = :id and remaining > held and (expires_at is null or expires_at > :now)
order by expires_at nulls last, earned_at limit :limit
""")  # noqa: S608 - the names are ours


async def statement(
    connection: AsyncConnection, member_id: UUID, terms: BookTerms, *, now: datetime
) -> Statement | None:
    """The account of a member; None for nobody."""
    row = (await connection.execute(_MEMBER, {"id": member_id})).first()
    balance = await balances.balance(connection, member_id, terms, now=now)
    if row is None or balance is None:
        return None
    wanted = {"id": member_id, "now": now, "limit": MOST_LOTS}
    lots = [Lot(*one) for one in await connection.execute(_LOTS, wanted)]
    lapsing = _lapsing(lots, terms, last_activity=row.last_activity_at, now=now)
    return Statement(row.first_name, row.tier, row.joined_at, balance, lapsing)


def _lapsing(
    lots: Sequence[Lot], terms: BookTerms, *, last_activity: datetime | None, now: datetime
) -> list[tuple[datetime, int]]:
    zone = ZoneInfo(terms.zone)
    lifetimes = Lifetimes(terms.expiry, zone, terms.expiry_since)
    if terms.expiry.mode == "inactivity_months":
        lifetimes.whole = dates.lapses_at(
            terms.expiry, zone, last_activity=last_activity, since=terms.expiry_since
        )
    found: dict[datetime, int] = {}
    for lot in lots:
        end = lifetimes.end_of(lot)
        if end is not None and end > now:
            found[end] = found.get(end, 0) + lot.remaining - lot.held
    return sorted(found.items())


# The order of a member's entries is that of their ids, which are made in order of posting.
_MOVEMENTS = text("""
select e.id, e.kind, e.points, e.rule, e.sale, coalesce(a.reason, '') as reason,
       coalesce(r.reward, '') as reward, coalesce(i.type, '') as event_type, e.occurred_at
from entries e
left join redemptions r on r.entry_id = e.id
left join adjustments a on e.kind = 'adjust' and a.key = substr(e.reason, length('adjustment ') + 1)
left join inbox i on i.id = e.event_id
where e.member_id = :id and (cast(:before as uuid) is null or e.id < cast(:before as uuid))
order by e.id desc limit :limit
""")


async def movements(
    connection: AsyncConnection, member_id: UUID, *, limit: int, before: UUID | None = None
) -> list[Movement]:
    """A member's movements, the latest first.

    Args:
        before: The last movement of the page before.
    """
    rows: Any = await connection.execute(
        _MOVEMENTS, {"id": member_id, "limit": limit, "before": before}
    )
    return [Movement(*row) for row in rows]
