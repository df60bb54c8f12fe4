"""A member's balance for reading: exact at any instant, without a lock, in one statement."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty import expiry as dates
from loyalty.book import PointsBook
from loyalty.points import Balance, Lot
from loyalty.store import books
from loyalty.store.books import LOT_COLUMNS, BookTerms

_SUMS = text("""
select m.id, m.last_activity_at,
    coalesce(sum(l.remaining - l.held) filter (
        where l.available_at <= :now and (l.expires_at is null or l.expires_at > :now)), 0)
        as spendable,
    coalesce(sum(l.remaining - l.held) filter (
        where l.available_at > :now and (l.expires_at is null or l.expires_at > :now)), 0)
        as pending,
    coalesce(sum(l.held), 0) as held,
    coalesce(bool_or(l.expires_at is null), false) as has_undated,
    coalesce(bool_or(l.expires_at <= :now), false) as has_expired,
    (select coalesce(sum(d.remaining), 0) from debts d
        where d.member_id = :id and d.remaining > 0) as owed
from members m left join lots l on l.member_id = m.id and l.remaining > 0
where m.id = :id group by m.id
""")

_LOTS = text(f"""
select {LOT_COLUMNS} from lots l where member_id = :id and remaining > 0
""")  # noqa: S608 - the names are ours

_DEBTS = text("""
select d.*, e.origin_id from debts d join entries e on e.id = d.entry_id
where d.member_id = :id and d.remaining > 0 order by d.posted_at, d.entry_id
""")


async def balance(
    connection: AsyncConnection, member_id: UUID, terms: BookTerms, *, now: datetime
) -> Balance | None:
    """A member's balance at the instant, exact though no job has run; None for nobody.

    Nothing is locked, and of the history only open lots are read: as sums, but for the few
    members whose lots have to be looked at one by one.
    """
    row = (await connection.execute(_SUMS, {"id": member_id, "now": now})).first()
    if row is None:
        return None
    if row.has_undated and not _undated_live(terms, row.last_activity_at, now):
        return await _read_closely(connection, row, terms, now)
    if row.owed and row.has_expired:
        return await _read_closely(connection, row, terms, now)
    return Balance(int(row.spendable - row.owed), int(row.pending), int(row.held))


def _undated_live(terms: BookTerms, last_activity: datetime | None, now: datetime) -> bool:
    """Whether lots without a day of their own are all good at the instant for certain."""
    if terms.expiry.mode == "none":
        return True
    if terms.expiry.mode != "inactivity_months":
        return False
    lapses = dates.lapses_at(
        terms.expiry, ZoneInfo(terms.zone), last_activity=last_activity, since=terms.expiry_since
    )
    return lapses is not None and now < lapses


async def _read_closely(
    connection: AsyncConnection, row: Any, terms: BookTerms, now: datetime
) -> Balance:
    lots = [Lot(*one) for one in await connection.execute(_LOTS, {"id": row.id})]
    debts = [books.debt_of(one) for one in await connection.execute(_DEBTS, {"id": row.id})]
    book = PointsBook(
        row.id,
        lots=lots,
        debts=debts,
        expiry=terms.expiry,
        zone=terms.zone,
        expiry_since=terms.expiry_since,
        last_activity=row.last_activity_at,
        consume=terms.consume,
    )
    return book.balance(now)
