"""What must hold of the books after every story, whatever it was.

These are the invariants at the end of the acceptance scenarios, as far as a database can be
asked for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from deployments.scenario.observe import Observer

if TYPE_CHECKING:
    from deployments.scenario.world import World

_KEPT_SUMS = text("""
select m.id, m.points, coalesce(sum(e.points), 0) as entries
from members m left join entries e on e.member_id = m.id
group by m.id, m.points having m.points <> coalesce(sum(e.points), 0)
""")

_LOTS = text("""
select l.id, l.points, l.remaining, coalesce(sum(a.points), 0) as taken
from lots l left join allocations a on a.lot_id = l.id
group by l.id, l.points, l.remaining
having l.points - coalesce(sum(a.points), 0) <> l.remaining or l.remaining < 0
    or l.remaining > l.points
""")

_TWICE = text("""
select business_key from entries group by business_key having count(*) > 1
union all select business_key from inbox group by business_key having count(*) > 1
""")

_GONE_SALES = text("""
select s.store || ':' || s.order_id as sale, sum(e.points) as points
from sales s join entries e on e.sale = s.store || ':' || s.order_id
where e.kind in ('earn', 'reverse', 'restore') and (s.is_cancelled or exists (
    select 1 from jsonb_array_elements(s.refunds) r
    where (r ->> 'full')::boolean and not (r ->> 'id') = any(s.reversed_refunds)))
group by 1 having sum(e.points) <> 0
""")

_EXPIRED_OF = text("select coalesce(sum(expired), 0) from lots where sale = :sale")

_LEFT_WAITING = text("select business_key, state from inbox where state in ('waiting', 'failed')")


async def broken(world: World) -> list[str]:
    """The invariants that do not hold now, in words."""
    async with world.window.open() as connection:
        observer = world.observer(connection)
        return [
            *await _sums(connection, observer),
            *[
                f"invariant: lot {row.id} of {row.points} has {row.remaining} left, "
                f"but {row.taken} were taken"
                for row in await connection.execute(_LOTS)
            ],
            *[
                f"invariant: {row.business_key} is there twice"
                for row in await connection.execute(_TWICE)
            ],
            *await _whole_refunds(connection),
            *[
                f"invariant: {row.business_key} is left {row.state}"
                for row in await connection.execute(_LEFT_WAITING)
            ],
        ]


async def _sums(connection: Any, observer: Observer) -> list[str]:
    await observer.rows()
    told = [
        f"invariant: {observer.members.name_of(row.id)} is kept with {row.points} points, "
        f"the entries add up to {row.entries}"
        for row in await connection.execute(_KEPT_SUMS)
    ]
    for member_id, book in (await observer.books()).items():
        name = observer.members.name_of(member_id)
        balance = book.balance(observer.now)
        if balance.total != book.total:
            told.append(
                f"invariant: {name} has {balance.available} available, {balance.pending} pending, "
                f"{balance.held} held, but the entries add up to {book.total}"
            )
        left = sum(lot.remaining for lot in book.lots)
        if left != balance.total + book.debt:
            told.append(
                f"invariant: the lots of {name} have {left} left, "
                f"but {balance.total} points and {book.debt} owed"
            )
    return told


async def _whole_refunds(connection: Any) -> list[str]:
    told = []
    for row in (await connection.execute(_GONE_SALES)).all():
        expired = (await connection.execute(_EXPIRED_OF, {"sale": row.sale})).scalar_one()
        if row.points > expired or row.points < 0:
            told.append(f"invariant: {row.sale} was given back whole and keeps {row.points} points")
    return told
