"""What all points outstanding came to at any past instant, from what was in the books by then."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.book import PointsBook
from loyalty.liability import Liability, liability
from loyalty.points import Balance, Debt, Lot
from loyalty.policies import ExpiryPolicy
from loyalty.programme import Programme
from loyalty.store.books import LOT_COLUMNS, BookTerms

_LOTS_THEN = text(f"""
select {LOT_COLUMNS}, l.points - coalesce(a.used, 0) as left_then
from lots l join entries e on e.id = l.entry_id
left join (
    select lot_id, sum(points) as used from allocations where posted_at <= :at group by lot_id
) a on a.lot_id = l.id
where e.posted_at <= :at and l.points > coalesce(a.used, 0)
""")  # noqa: S608 - the names are ours

_TOTALS_THEN = text("""
select member_id, sum(points) as total,
    max(occurred_at) filter (where kind = any(:kinds)) as active_at
from entries where posted_at <= :at group by member_id
""")

_HOLDS_THEN = text("""
select parts from holds where created_at <= :at and (ended_at is null or ended_at > :at)
""")

_MERGED = text("select id, merged_into from members where merged_into is not null")


async def liability_at(
    connection: AsyncConnection, programme: Programme, terms: BookTerms, *, at: datetime
) -> Liability:
    """The programme's liability at an instant, from what was in the books by then.

    Points count as available, pending or expired at that instant, whatever was written later.
    """
    terms = _terms_at(terms, at)
    balances = await _balances_at(connection, terms, at)
    return liability(
        balances,
        programme.report,
        at=at,
        currency=programme.currency,
        unit_scale=programme.unit_scale,
    )


def _terms_at(terms: BookTerms, at: datetime) -> BookTerms:
    if terms.expiry_since is not None and terms.expiry_since > at:
        return replace(terms, expiry=ExpiryPolicy(), expiry_since=None)
    return terms


async def _balances_at(
    connection: AsyncConnection, terms: BookTerms, at: datetime
) -> list[Balance]:
    heads = {row.id: row.merged_into for row in await connection.execute(_MERGED)}
    lots = await _lots_at(connection, heads, at)
    totals: dict[UUID, int] = defaultdict(int)
    active: dict[UUID, datetime] = {}
    kinds = list(terms.expiry.activity)
    for row in await connection.execute(_TOTALS_THEN, {"at": at, "kinds": kinds}):
        head = _head(heads, row.member_id)
        totals[head] += int(row.total)
        if row.active_at is not None:
            active[head] = max(row.active_at, active.get(head, row.active_at))
    return [
        _balance(one, lots[one], totals[one], active.get(one), terms=terms, at=at)
        for one in lots.keys() | totals.keys()
    ]


async def _lots_at(
    connection: AsyncConnection, heads: dict[UUID, UUID], at: datetime
) -> dict[UUID, list[Lot]]:
    held: dict[UUID, int] = defaultdict(int)
    for row in await connection.execute(_HOLDS_THEN, {"at": at}):
        for lot_id, points in row.parts:
            held[UUID(lot_id)] += points
    found: dict[UUID, list[Lot]] = defaultdict(list)
    for row in await connection.execute(_LOTS_THEN, {"at": at}):
        lot = Lot(*row[:-1])
        lot.remaining, lot.held = int(row.left_then), held.get(lot.id, 0)
        found[_head(heads, lot.member_id)].append(lot)
    return found


def _head(heads: dict[UUID, UUID], member_id: UUID) -> UUID:
    """Whose account it is today; accounts that were merged later are read as one."""
    while member_id in heads:
        member_id = heads[member_id]
    return member_id


def _balance(
    member_id: UUID,
    lots: list[Lot],
    total: int,
    active_at: datetime | None,
    *,
    terms: BookTerms,
    at: datetime,
) -> Balance:
    # Lots and entries say together what was owed; when it came to be does not matter, since
    # whatever was spendable by then has paid.
    owed = sum(lot.remaining for lot in lots) - total
    debts = []
    if owed > 0:
        first = min((lot.available_at for lot in lots), default=at)
        debts = [Debt(member_id, member_id, owed, owed, first)]
    book = PointsBook(
        member_id,
        total,
        lots,
        debts,
        expiry=terms.expiry,
        zone=terms.zone,
        expiry_since=terms.expiry_since,
        last_activity=active_at,
        consume=terms.consume,
    )
    return book.balance(at)
