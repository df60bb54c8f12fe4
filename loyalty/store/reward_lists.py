"""Lists of rewards for the team: who has what, in which state, and what can be voided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store.rewards import Reward, reward_of

STATES = ("held", "issued", "used", "expired", "voided", "failed")
BATCH = 500

# What is issued and past its day is expired, whether or not a job has run.
_STATE = """case when r.state = 'issued' and r.expires_at <= cast(:now as timestamptz)
                 then 'expired' else r.state end"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rewards: all that fit every field that is given.

    Attributes:
        who: A member's id, e-mail address or telephone number, or a code.
    """

    item: str = ""
    state: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A reward with whose it is, and what became of its deliveries at the shop.

    Attributes:
        state: At the instant of asking.
        delivery: The state of the delivery that issues it, and why where it waits.
        disabled: The state of the delivery that ends it in the shop; empty where none was asked.
    """

    reward: Reward
    state: str
    email: str
    name: str
    delivery: str
    problem: str
    disabled: str


_LIST = text(f"""
select r.*, {_STATE} as state_now, coalesce(m.email, '') as email,
       trim(m.first_name || ' ' || m.last_name) as name,
       coalesce(d.state, '') as delivery, coalesce(d.reason, '') as problem,
       coalesce(e.state, '') as disabled
from rewards r join members m on m.id = r.member_id
left join deliveries d on d.id = r.delivery_id
left join deliveries e on e.id = r.disable_id
where (cast(:item as text) = '' or r.item_id = :item)
  and (cast(:state as text) = '' or {_STATE} = :state)
  and (cast(:who as text) = '' or r.code = upper(:who) or cast(r.member_id as text) = :who
       or cast(r.id as text) = :who or m.email = lower(:who) or m.phone = :who)
order by r.id desc limit :limit offset :offset
""")  # noqa: S608 - the condition is ours


async def listed(
    connection: AsyncConnection, wanted: Wanted, *, now: datetime, limit: int = 50, offset: int = 0
) -> list[Listed]:
    """Rewards that fit, newest first."""
    values = {**_values(wanted), "now": now, "limit": limit, "offset": offset}
    return [_listed(row) for row in await connection.execute(_LIST, values)]


def _values(wanted: Wanted) -> dict[str, str]:
    return {"item": wanted.item, "state": wanted.state, "who": wanted.who.strip()}


def _listed(row: Any) -> Listed:
    return Listed(
        reward=reward_of(row),
        state=row.state_now,
        email=row.email,
        name=row.name,
        delivery=row.delivery,
        problem=row.problem,
        disabled=row.disabled,
    )


_VOIDABLE = """
from rewards r where r.item_id = :item and r.state in ('held', 'issued') and r.void is null
  and (cast(:state as text) = '' or r.state = :state)
"""
_NEXT = text(
    f"select r.* {_VOIDABLE} and (cast(:beyond as uuid) is null or r.id > :beyond)"
    " order by r.id limit :limit"
)
_COUNT = text(f"select count(*) {_VOIDABLE}")


async def voidable(
    connection: AsyncConnection, wanted: Wanted, *, beyond: UUID | None = None
) -> list[Reward]:
    """The next rewards of an item that can still be voided; everything else stays as it is."""
    values = {"item": wanted.item, "state": wanted.state, "beyond": beyond, "limit": BATCH}
    return [reward_of(row) for row in await connection.execute(_NEXT, values)]


async def count_voidable(connection: AsyncConnection, wanted: Wanted) -> int:
    """How many rewards of an item a void would be about."""
    values = {"item": wanted.item, "state": wanted.state}
    return int((await connection.execute(_COUNT, values)).scalar_one())


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rewards of an item are in which state, and the points they cost."""

    item: str
    state: str
    count: int
    points: int


_TALLY = text(f"""
select r.item_id, {_STATE} as state_now, count(*) as n, coalesce(sum(r.points), 0) as points
from rewards r group by 1, 2 order by 1, 2
""")  # noqa: S608


async def tally(connection: AsyncConnection, *, now: datetime) -> Sequence[Tally]:
    """Rewards by item and state."""
    rows = await connection.execute(_TALLY, {"now": now})
    return [Tally(row.item_id, row.state_now, row.n, int(row.points)) for row in rows]
