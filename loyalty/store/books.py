"""The points books in PostgreSQL: open books in; entries, lots and what they took out.

Everything of a batch is written in one statement per table, whatever the number of members.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.book import PointsBook
from loyalty.points import Debt, Entry, Hold, Lot
from loyalty.policies import ExpiryPolicy
from loyalty.programme import Programme
from loyalty.shelf import Consume
from loyalty.store.bulk import insert_rows, update_rows
from loyalty.store.ids import new_id
from loyalty.store.moves import move_rows
from loyalty.store.people import Member
from loyalty.store.tables import allocations, debts, entries, holds, lots


@dataclass(frozen=True, slots=True)
class BookTerms:
    """What of the programme the books depend on.

    Attributes:
        expiry_since: When the present expiry came into force (`loyalty.store.expiry_since`).
    """

    expiry: ExpiryPolicy
    zone: str = "UTC"
    consume: Consume = "soonest_expiry"
    expiry_since: datetime | None = None

    @classmethod
    def of(cls, programme: Programme, expiry_since: datetime | None) -> BookTerms:
        """The terms of a programme."""
        return cls(programme.expiry, programme.zone, programme.consume, expiry_since)


LOT_COLUMNS = (
    "l.id, l.member_id, l.entry_id, l.sale, l.points, l.remaining, l.available_at, l.expires_at,"
    " l.earned_at, l.held, l.expired, l.origin_id"
)
"""The columns of a `Lot` in its own order: rows are read by the thousand."""

_OPEN_LOTS = text(f"""
select {LOT_COLUMNS} from lots l where member_id = any(:ids) and remaining > 0
""")  # noqa: S608 - the names are ours

_LOTS = text(f"""
select {LOT_COLUMNS} from lots l where member_id = any(:ids) and remaining > 0
union
select {LOT_COLUMNS} from lots l where sale = any(:sales) and sale <> ''
union
select {LOT_COLUMNS} from lots l
where id in (select lot_id from allocations where entry_id = any(:redeemed))
""")  # noqa: S608 - the names are ours

# What hardly anybody has is asked for together: most bookings find neither.
_DEBTS_AND_HOLDS = text("""
select d.member_id, d.points, d.posted_at, d.entry_id, d.remaining, e.origin_id,
       null as key, null as reward, null as state, null as parts, null as created_at,
       null as ended_at
from debts d join entries e on e.id = d.entry_id
where d.member_id = any(:ids) and d.remaining > 0
union all
select member_id, points, null, null, null, null, key, reward, state, parts, created_at, ended_at
from holds where member_id = any(:ids) and state = 'held'
order by posted_at, entry_id, key
""")

_HOLDS_NAMED = text("select * from holds where key = any(:keys)")


async def open_books(
    connection: AsyncConnection,
    members: Iterable[Member],
    terms: BookTerms,
    *,
    sales: Sequence[str] = (),
    redeemed: Sequence[UUID] = (),
) -> dict[UUID, PointsBook]:
    """The books of members whose rows the caller has locked; `lapse` has not been called.

    Args:
        sales: Sales (`store:order id`) whose used-up lots are needed too, since they say how
            many points have expired.
        redeemed: Entries of redemptions that may be given back: their lots are needed too.
    """
    found = {
        one.id: PointsBook(
            one.id,
            one.points,
            expiry=terms.expiry,
            zone=terms.zone,
            expiry_since=terms.expiry_since,
            last_activity=one.last_activity_at,
            consume=terms.consume,
        )
        for one in members
    }
    if found:
        await _fill(connection, found, sales=sales, redeemed=redeemed)
    return found


async def _fill(
    connection: AsyncConnection,
    found: dict[UUID, PointsBook],
    *,
    sales: Sequence[str],
    redeemed: Sequence[UUID],
) -> None:
    ids: dict[str, Any] = {"ids": list(found)}
    if sales or redeemed:
        more = {"sales": list(sales), "redeemed": list(redeemed)}
        rows = await connection.execute(_LOTS, ids | more)
    else:
        rows = await connection.execute(_OPEN_LOTS, ids)
    lots_of: dict[UUID, list[Lot]] = {one: [] for one in found}
    for row in rows.all():
        lot = Lot(*row)
        if lot.member_id in lots_of:
            lots_of[lot.member_id].append(lot)
    for one, open_lots in lots_of.items():
        found[one].load(lots=open_lots)
    for row in await connection.execute(_DEBTS_AND_HOLDS, ids):
        if row.entry_id is not None:
            found[row.member_id].load(debts=[debt_of(row)])
        else:
            found[row.member_id].load(holds=[_hold_of(row)])


async def holds_named(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Hold]:
    """Holds by their key, ended ones as well: an ended hold says why it cannot be captured."""
    if not keys:
        return {}
    rows = await connection.execute(_HOLDS_NAMED, {"keys": list(keys)})
    return {row.key: _hold_of(row) for row in rows}


async def post(connection: AsyncConnection, books: Iterable[PointsBook]) -> None:
    """Writes what was added to the books.

    Raises:
        IntegrityError: An entry's business key is in the ledger already.
    """
    books = list(books)
    await insert_rows(connection, entries, [_entry(e) for book in books for e in book.entries])
    await _post_lots(connection, [lot for book in books for lot in book.lots])
    taken = [
        {
            "id": new_id(one.posted_at),
            "entry_id": one.entry_id,
            "lot_id": one.lot_id,
            "points": one.points,
            "posted_at": one.posted_at,
        }
        for book in books
        for one in book.allocations
    ]
    await insert_rows(connection, allocations, taken)
    await _post_debts(connection, [debt for book in books for debt in book.debts])
    await _post_holds(connection, [hold for book in books for hold in book.holds.values()])
    for move in [one for book in books for one in book.moves]:
        await move_rows(connection, move)


async def _post_lots(connection: AsyncConnection, found: Sequence[Lot]) -> None:
    await insert_rows(connection, lots, [_lot(lot) for lot in found if lot.is_new])
    used = [
        {"id": lot.id, "remaining": lot.remaining, "held": lot.held, "expired": lot.expired}
        for lot in found
        if lot.is_changed and not lot.is_new
    ]
    await update_rows(connection, lots, "id", used)


async def _post_debts(connection: AsyncConnection, found: Sequence[Debt]) -> None:
    new = [
        {
            "entry_id": debt.entry_id,
            "member_id": debt.member_id,
            "points": debt.points,
            "remaining": debt.remaining,
            "posted_at": debt.posted_at,
        }
        for debt in found
        if debt.is_new
    ]
    await insert_rows(connection, debts, new)
    paid = [
        {"entry_id": debt.entry_id, "remaining": debt.remaining}
        for debt in found
        if debt.is_changed and not debt.is_new
    ]
    await update_rows(connection, debts, "entry_id", paid)


async def _post_holds(connection: AsyncConnection, found: Sequence[Hold]) -> None:
    new = [
        {
            "key": hold.key,
            "member_id": hold.member_id,
            "points": hold.points,
            "reward": hold.reward,
            "state": hold.state,
            "parts": hold.parts,
            "created_at": hold.created_at,
            "ended_at": hold.ended_at,
        }
        for hold in found
        if hold.is_new
    ]
    await insert_rows(connection, holds, new)
    ended = [
        {"key": hold.key, "state": hold.state, "ended_at": hold.ended_at}
        for hold in found
        if hold.is_changed and not hold.is_new
    ]
    await update_rows(connection, holds, "key", ended)


def debt_of(row: Any) -> Debt:
    """A debt from its row and its entry's origin."""
    return Debt(
        entry_id=row.entry_id,
        member_id=row.member_id,
        points=row.points,
        remaining=row.remaining,
        posted_at=row.posted_at,
        origin_id=row.origin_id,
    )


def _hold_of(row: Any) -> Hold:
    return Hold(
        key=row.key,
        member_id=row.member_id,
        points=row.points,
        parts=[(UUID(lot_id), points) for lot_id, points in row.parts],
        created_at=row.created_at,
        reward=row.reward,
        state=row.state,
        ended_at=row.ended_at,
    )


def _entry(entry: Entry) -> dict[str, Any]:
    posting = entry.posting
    return {
        "id": posting.entry_id,
        "member_id": entry.member_id,
        "kind": entry.kind.value,
        "points": entry.points,
        "business_key": posting.key,
        "event_id": posting.event_id,
        "sale": posting.sale,
        "rule": posting.rule,
        "version": posting.version,
        "occurred_at": posting.occurred_at,
        "posted_at": posting.posted_at,
        "reason": posting.reason,
        "snapshot": posting.snapshot,
        "origin_id": posting.origin_id,
        "counts_at": posting.counts_at,
    }


def _lot(lot: Lot) -> dict[str, Any]:
    return {
        "id": lot.id,
        "member_id": lot.member_id,
        "entry_id": lot.entry_id,
        "sale": lot.sale,
        "points": lot.points,
        "remaining": lot.remaining,
        "available_at": lot.available_at,
        "expires_at": lot.expires_at,
        "earned_at": lot.earned_at,
        "held": lot.held,
        "expired": lot.expired,
        "origin_id": lot.origin_id,
    }
