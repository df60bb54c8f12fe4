"""Where a vendor's record and ours differ: what was missed, and amounts that are not the same.

No Prefect here and no I/O besides two reads: `flows.polling` calls it inside the transaction
that takes a page in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.kit.manifest import Manifest
from loyalty.events import Event, EventType, Order, Payment, Refund
from loyalty.store import known
from loyalty.store.known import KnownSale

ON_ITS_WAY = timedelta(minutes=5)
"""A webhook may still be on its way for so long; before, nothing counts as missed."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact of which the hub holds another amount than the vendor.

    Attributes:
        what: `order 1001`.
        here: The amount that the hub holds, with its currency.
        there: The amount that the vendor tells now.
        end: Whether and how it is repaired, a sentence.
    """

    what: str
    here: str
    there: str
    end: str
    is_repaired: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """What a page's events came to beside what is stored.

    Attributes:
        repairs: Edits to be taken in besides the page's own events.
    """

    differences: tuple[Difference, ...]
    repairs: tuple[Event, ...]


def told_by_webhook(manifest: Manifest) -> frozenset[EventType]:
    """The types of events that the vendor's webhooks tell themselves, doorbells left out."""
    if manifest.webhook is None or manifest.poll is None or not manifest.poll.also_by_webhook:
        return frozenset()
    triggers = manifest.webhook.triggers.values()
    told = {kind for one in triggers if not one.rings for kind in one.event_types}
    return frozenset(told & set(manifest.poll.event_types))


def missed(
    events: Iterable[Event], new: set[str], told: frozenset[EventType], *, now: datetime
) -> list[str]:
    """The keys of new events that a webhook should have told by now."""
    return [
        one.business_key
        for one in events
        if one.business_key in new and one.type in told and one.time <= now - ON_ITS_WAY
    ]


async def compare(connection: AsyncConnection, store: str, events: Sequence[Event]) -> Compared:
    """Looks for amounts that differ from the stored ones; nothing is written."""
    latest = _latest_orders(events)
    sales = await known.sales(connection, store, sorted(latest)) if latest else {}
    fixed = [one for one in events if isinstance(one.data, (Payment, Refund))]
    unbooked = [one for order_id, one in latest.items() if order_id not in sales]
    keys = [one.business_key for one in (*fixed, *unbooked)]
    stored = await known.events(connection, keys) if keys else {}
    differences: list[Difference] = []
    repairs: list[Event] = []
    edits = {one.key for one in events if one.type is EventType.ORDER_EDITED}
    for order_id, sale in sales.items():
        _compare_sale(sale, latest[order_id], edits, differences, repairs)
    for one in unbooked:
        _compare_fixed(one, stored.get(one.business_key), "total", differences)
    for one in fixed:
        _compare_fixed(one, stored.get(one.business_key), "amount", differences)
    return Compared(tuple(differences), tuple(repairs))


def _latest_orders(events: Iterable[Event]) -> dict[str, Event]:
    """Of each order the newest state that a page tells."""
    found: dict[str, Event] = {}
    for one in events:
        if not isinstance(one.data, Order):
            continue
        before = found.get(one.data.id)
        if before is None or _is_newer(one.data.revision, before.data.revision):
            found[one.data.id] = one
    return found


def _is_newer(revision: datetime | None, than: datetime | None) -> bool:
    return revision is not None and (than is None or revision > than)


def _compare_sale(
    sale: KnownSale,
    told: Event,
    edits: set[str],
    differences: list[Difference],
    repairs: list[Event],
) -> None:
    order: Order = told.data
    if "total" not in sale.data or _amount(sale.data, "total") == (order.total, order.currency):
        return
    if _is_newer(sale.revision, order.revision):
        return  # The vendor's list lags behind its own webhooks: ours is the newer one.
    is_newer = _is_newer(order.revision, sale.revision)
    end = "not repaired: both name the same revision, so that a person has to look"
    if is_newer and order.revision is not None:
        end = f"repaired by the edit of {order.revision.isoformat()}"
        key = f"{order.id}:{order.revision.isoformat()}"
        if not any(one.startswith(f"{order.id}:") for one in edits):
            repairs.append(
                Event(
                    type=EventType.ORDER_EDITED,
                    store=told.store,
                    key=key,
                    time=order.revision,
                    subject=told.subject,
                    data=order,
                )
            )
    differences.append(
        Difference(
            f"order {order.id}",
            _shown(*_amount(sale.data, "total")),
            _shown(order.total, order.currency),
            end,
            is_newer,
        )
    )


def _compare_fixed(
    told: Event, stored: dict[str, Any] | None, field: str, differences: list[Difference]
) -> None:
    """A fact that nothing was booked on, or that no edit can change."""
    if stored is None:
        return
    there = (getattr(told.data, field), told.data.currency)
    here = _amount(stored, field)
    if here == there:
        return
    if isinstance(told.data, Order) and told.type is EventType.ORDER_EDITED:
        return
    differences.append(
        Difference(
            f"{told.type.value} {told.key}",
            _shown(*here),
            _shown(*there),
            "not repaired: no edit is known of it, so that a person has to look",
            False,
        )
    )


def _amount(data: dict[str, Any], field: str) -> tuple[Decimal, str]:
    return Decimal(str(data.get(field) or 0)), str(data.get("currency") or "")


def _shown(amount: Decimal, currency: str) -> str:
    return f"{amount} {currency}".strip()
