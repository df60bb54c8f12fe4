"""The books in PostgreSQL: open lots in, new entries, lots and allocations out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.events import Order, Payment, Refund
from loyalty.facts import MemberFacts
from loyalty.points import Entry, Lot, PointsBook
from loyalty.sales import Sale
from loyalty.store.bulk import insert_rows, update_rows
from loyalty.store.tables import allocations, entries, lots, sales

_OPEN_LOTS = text("select * from lots where member_id = any(:ids) and remaining > 0")


async def open_lots(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, list[Lot]]:
    """The lots with points left, by member; the caller holds the members' locks."""
    found: dict[UUID, list[Lot]] = {one: [] for one in ids}
    if not ids:
        return found
    for row in await connection.execute(_OPEN_LOTS, {"ids": list(ids)}):
        found[row.member_id].append(
            Lot(
                id=row.id,
                member_id=row.member_id,
                entry_id=row.entry_id,
                sale=row.sale,
                points=row.points,
                remaining=row.remaining,
                available_at=row.available_at,
                expires_at=row.expires_at,
            )
        )
    return found


async def post(connection: AsyncConnection, books: Iterable[PointsBook]) -> None:
    """Writes what was added to the books: entries, then lots, then what was taken from lots."""
    books = list(books)
    await insert_rows(connection, entries, [_entry(e) for book in books for e in book.entries])
    new = [lot for book in books for lot in book.lots if lot.is_new]
    await insert_rows(connection, lots, [_lot(lot) for lot in new])
    used = [lot for book in books for lot in book.lots if lot.is_changed and not lot.is_new]
    await update_rows(
        connection, lots, "id", [{"id": lot.id, "remaining": lot.remaining} for lot in used]
    )
    taken = [asdict(one) for book in books for one in book.allocations]
    await insert_rows(connection, allocations, taken)


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
    }


_SALES = text("""
select s.* from sales s
join unnest(cast(:stores as text[]), cast(:orders as text[])) as w(store, order_id)
on (s.store, s.order_id) = (w.store, w.order_id)
order by s.store, s.order_id for update of s
""")


_KNOWN = text("""
select s.store, s.order_id from sales s
join unnest(cast(:stores as text[]), cast(:orders as text[])) as w(store, order_id)
on (s.store, s.order_id) = (w.store, w.order_id)
""")


async def load_sales(
    connection: AsyncConnection, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Sale]:
    """The sales with these (store, order id), as far as they are in the books.

    Locked until the transaction ends: a refund and a cancellation of the same sale may name
    its member or not, and so come in two batches at once.
    """
    if not keys:
        return {}
    stores, orders = zip(*keys, strict=True)
    rows = await connection.execute(_SALES, {"stores": list(stores), "orders": list(orders)})
    return {(row.store, row.order_id): _sale(row) for row in rows}


async def sales_in_the_books(
    connection: AsyncConnection, keys: Sequence[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Which of these sales are in the books; locks nothing."""
    if not keys:
        return set()
    stores, orders = zip(*keys, strict=True)
    rows = await connection.execute(_KNOWN, {"stores": list(stores), "orders": list(orders)})
    return {(row.store, row.order_id) for row in rows}


def _sale(row: Any) -> Sale:
    model = Order if row.kind == "order" else Payment
    return Sale(
        store=row.store,
        order_id=row.order_id,
        member_id=row.member_id,
        kind=row.kind,
        data=model.model_validate(row.data),
        occurred_at=row.occurred_at,
        version=row.version,
        facts=MemberFacts.model_validate(row.facts),
        revision=row.revision,
        refunds=[Refund.model_validate(one) for one in row.refunds],
        is_cancelled=row.is_cancelled,
        awards=dict(row.awards),
        spend=row.spend,
    )


async def save_sales(connection: AsyncConnection, changed: Iterable[Sale]) -> None:
    """Writes sales that are new or were changed.

    Raises:
        IntegrityError: Somebody else opened a sale meanwhile that is new here.
    """
    changed = list(changed)
    await insert_rows(connection, sales, [_sale_row(sale) for sale in changed if sale.is_new])
    known = [_sale_row(sale) for sale in changed if sale.is_changed and not sale.is_new]
    columns = [column.name for column in sales.columns if column.name not in ("store", "order_id")]
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns)
    await insert_rows(
        connection, sales, known, tail=f"on conflict (store, order_id) do update set {changes}"
    )


def _sale_row(sale: Sale) -> dict[str, Any]:
    return {
        "store": sale.store,
        "order_id": sale.order_id,
        "member_id": sale.member_id,
        "kind": sale.kind,
        "revision": sale.revision,
        "data": sale.data,
        "refunds": sale.refunds,
        "is_cancelled": sale.is_cancelled,
        "occurred_at": sale.occurred_at,
        "version": sale.version,
        "facts": sale.facts,
        "awards": sale.awards,
        "spend": sale.spend,
    }
