"""Sales in PostgreSQL. Points are in `loyalty.store.books`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.events import Order, Payment, Refund
from loyalty.facts import MemberFacts
from loyalty.limits import Counter, Room
from loyalty.sales import Sale
from loyalty.store.books import open_books, post
from loyalty.store.bulk import insert_rows
from loyalty.store.tables import sales

__all__ = ["load_sales", "open_books", "post", "sales_in_the_books", "save_sales"]

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
    return {(row.store, row.order_id): sale_of_row(row) for row in rows}


async def sales_in_the_books(
    connection: AsyncConnection, keys: Sequence[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Which of these sales are in the books; locks nothing."""
    if not keys:
        return set()
    stores, orders = zip(*keys, strict=True)
    rows = await connection.execute(_KNOWN, {"stores": list(stores), "orders": list(orders)})
    return {(row.store, row.order_id) for row in rows}


def sale_of_row(row: Any) -> Sale:
    """A sale from its row."""
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
        given=dict(row.given) or {rule: n for rule, n in row.awards.items() if n > 0},
        programme=row.programme,
        fx_rate=row.fx_rate,
        rooms=[Room(**(room | {"counter": Counter(*room["counter"])})) for room in row.rooms],
        taken_back=row.taken_back,
        written_off=row.written_off,
        reversed_refunds=set(row.reversed_refunds),
        spend_gross=row.spend_gross,
        is_counted=row.is_counted,
        origin_id=row.origin_id,
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
        "given": sale.given,
        "programme": sale.programme,
        "fx_rate": sale.fx_rate,
        "rooms": [_room(room) for room in sale.rooms],
        "taken_back": sale.taken_back,
        "written_off": sale.written_off,
        "reversed_refunds": sorted(sale.reversed_refunds),
        "spend_gross": sale.spend_gross,
        "is_counted": sale.is_counted,
        "origin_id": sale.origin_id,
    }


def _room(room: Room) -> dict[str, Any]:
    return {
        "counter": list(room.counter),
        "rule": room.rule,
        "kind": room.kind,
        "amount": room.amount,
        "left": room.left,
        "on_short": room.on_short,
        "used": room.used,
    }
