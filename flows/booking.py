"""Books a batch of events: decides, posts, plans, all in the transaction that claimed them.

No Prefect here: the flows call it, and so do tests and tools. The desks work on the working set
in memory, in order of arrival; what they did is written by `workset.flush`. The same `handle`
serves a working set that no database stands behind (`flows.memory`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from flows import workset
from flows.accounts_desk import AccountsDesk
from flows.adjustments_desk import AdjustmentsDesk
from flows.clerk import Clerk
from flows.people_desk import PeopleDesk
from flows.redemptions_desk import RedemptionsDesk
from flows.sales_desk import SalesDesk
from flows.terms import Terms
from flows.workset import Workset
from loyalty.events import Event, EventType
from loyalty.store import deliveries, inbox
from loyalty.store.deliveries import Delivery
from loyalty.store.inbox import Claimed, Closing

__all__ = ["Booked", "Terms", "book", "handle"]

DESKS: tuple[type[Clerk], ...] = (
    PeopleDesk,
    SalesDesk,
    RedemptionsDesk,
    AdjustmentsDesk,
    AccountsDesk,
)


@dataclass(frozen=True)
class Booked:
    """What became of a batch: how each event ended, and the deliveries that are new."""

    items: Sequence[Claimed]
    closings: Sequence[Closing]
    deliveries: Sequence[Delivery]
    emitted: Sequence[Event]


async def book(
    connection: AsyncConnection, items: Sequence[Claimed], terms: Terms, *, run_id: UUID | None
) -> Booked:
    """Works off claimed events in this transaction and closes them."""
    work = await workset.load(connection, items, terms)
    closings = handle(items, terms, work)
    await workset.flush(connection, work)
    new = await deliveries.plan(connection, work.deliveries)
    await workset.close(connection, work, items, closings, run_id=run_id)
    subjects = [item.event.subject for item in items]
    await inbox.ring_followers(connection, subjects, trigger=items[0].event.trigger)
    return Booked(items, closings, new, tuple(work.emitted))


def handle(items: Sequence[Claimed], terms: Terms, work: Workset) -> list[Closing]:
    """Takes each event to its desk, in order; what has none is what the rules say of it.

    What time has brought is written down before and after: points that expired, debts that can
    be paid, tiers that ended.
    """
    clerk = Clerk(terms, work)
    make_id = clerk.progress.make_id
    for book in work.books.values():
        book.lapse(terms.now, make_id)
    clerk.progress.pass_time()
    handlers = _handlers(terms, work)
    closings = []
    for item in items:
        member = work.member(item)
        if member is not None:
            work.book(member).lapse(terms.now, make_id)
        closings.append(handlers.get(item.event.type, clerk.occurred)(item))
    for book in work.books.values():
        book.lapse(terms.now, make_id)
    return closings


def _handlers(terms: Terms, work: Workset) -> Mapping[EventType, Callable[[Claimed], Closing]]:
    found: dict[EventType, Callable[[Claimed], Closing]] = {}
    for desk in DESKS:
        found |= desk(terms, work).handlers()
    return found
