"""Reads what there is of an event or a sale; nothing is locked, nothing is changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.sales import Sale
from loyalty.store import rulebook
from loyalty.store.ledger import sale_of_row
from loyalty.store.rule_sets import SwitchRefused, find
from loyalty.store.tables import sales
from loyalty.story import LotSums, PastEntry, PastEvent, Story

_COLUMNS = """id, store, type, key, subject, occurred_at, done_at, state, reason, data,
    coalesce(member_id::text, '') as member_id, outcome"""

_SOLD = ("order.paid", "payment.completed")

_STORES = text("""
select store from sales where order_id = :order
union select connector || '/' || name from connections
""")

_BY_KEYS = text(f"""
select {_COLUMNS} from inbox
where business_key = any(:keys) or (
    member_id = any(array(select member_id from sales where order_id = :order))
    and type = any(:sold) and data ->> 'order_id' = :order)
order by id
""")  # noqa: S608

_BY_KEY = text(f"select {_COLUMNS} from inbox where business_key = :key")  # noqa: S608

_BY_ID = text(f"select {_COLUMNS} from inbox where id = :id")  # noqa: S608

_ABOUT = text(f"""
select {_COLUMNS} from inbox
where id > 0 and member_id = :member and store = :store and state = 'done'
      and type in ('order.edited', 'order.cancelled', 'order.refunded', 'refund.reversed',
                   'order.paid')
      and (data ->> 'order_id' = :order
           or (type in ('order.edited', 'order.paid') and data ->> 'id' = :order))
order by done_at, id
""")  # noqa: S608

_ENTRIES = text("""
select event_id, kind, points, rule, reason, occurred_at, posted_at from entries
where (:sale <> '' and sale = :sale) or event_id = :event and member_id = cast(:member as uuid)
order by posted_at, id
""")

_LOTS = text("""
select coalesce(sum(points), 0) as points, coalesce(sum(remaining), 0) as remaining,
       coalesce(sum(held), 0) as held, coalesce(sum(expired), 0) as expired,
       coalesce(sum(remaining) filter (where available_at > :now), 0) as pending
from lots where sale = :sale and sale <> ''
""")


async def sold(connection: AsyncConnection, order: str, *, store: str = "") -> list[PastEvent]:
    """The events that brought an order or payment of this id, of one store or of all."""
    stores = [store] if store else []
    if not store:
        found = await connection.execute(_STORES, {"order": order})
        stores = [row.store for row in found]
    keys = [f"{one}:{kind}:{order}" for one in stores for kind in _SOLD]
    rows = await connection.execute(_BY_KEYS, {"keys": keys, "order": order, "sold": list(_SOLD)})
    return [_event(row) for row in rows if not store or row.store == store]


async def named(connection: AsyncConnection, name: str) -> PastEvent | None:
    """The event with this number or business key."""
    row = None
    if name.isdigit() and len(name) < 19:
        row = (await connection.execute(_BY_ID, {"id": int(name)})).first()
    if row is None:
        row = (await connection.execute(_BY_KEY, {"key": name})).first()
    return None if row is None else _event(row)


async def story_of(connection: AsyncConnection, event: PastEvent, *, now: datetime) -> Story:
    """Everything there is to tell of an event."""
    sale = await _sale(connection, event)
    key = sale.key if sale is not None else ""
    entries = []
    if event.member_id or key:
        asked = {"sale": key, "event": event.id, "member": event.member_id or None}
        rows = await connection.execute(_ENTRIES, asked)
        entries = [PastEntry(*row) for row in rows]
    lots = (await connection.execute(_LOTS, {"sale": key, "now": now})).one()
    outcome = event.outcome or {}
    version, programme = str(outcome.get("version", "")), str(outcome.get("programme", ""))
    return Story(
        event=event,
        sale=sale,
        entries=entries,
        lots=LotSums(*(int(one) for one in lots)),
        later=await _later(connection, event, sale),
        documents=await rulebook.documents_of(connection, version) if version else None,
        programme=await rulebook.programme_of(connection, programme) if programme else None,
        published=await _published(connection, version),
    )


async def _sale(connection: AsyncConnection, event: PastEvent) -> Sale | None:
    order = event.data.get("order_id") or event.data.get("id")
    if event.type not in _SOLD or not order:
        return None
    wanted = sales.select().where(sales.c.store == event.store, sales.c.order_id == str(order))
    row = (await connection.execute(wanted)).first()
    return None if row is None else sale_of_row(row)


async def _later(
    connection: AsyncConnection, event: PastEvent, sale: Sale | None
) -> list[PastEvent]:
    if sale is None:
        return []
    asked = {"member": sale.member_id, "store": sale.store, "order": sale.order_id}
    rows = await connection.execute(_ABOUT, asked)
    return [_event(row) for row in rows if row.id != event.id]


async def _published(connection: AsyncConnection, version: str) -> dict[str, Any]:
    try:
        known = await find(connection, version)
    except SwitchRefused:
        return {}
    return {"author": known.author, "reason": known.reason, "at": known.activated_at}


def _event(row: Any) -> PastEvent:
    return PastEvent(*row)
