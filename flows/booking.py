"""Books a batch of events: decides, posts, plans, all in the transaction that claimed them.

No Prefect here: the flows call it, and so do tests and tools. The desks work on the working set
in memory, in order of arrival; what they did is written by `workset.flush`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from flows import workset
from flows.clerk import Clerk, Terms
from flows.people_desk import PeopleDesk
from flows.sales_desk import SalesDesk
from flows.workset import Workset
from loyalty.events import Event
from loyalty.store import deliveries, inbox
from loyalty.store.deliveries import Delivery
from loyalty.store.inbox import Claimed, Closing


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
    work = await workset.load(connection, items, terms.now)
    for sale in work.sales.values():
        if sale.version not in terms.older:
            terms.older[sale.version] = await terms.rules_of(connection, sale.version)
    closings = handle(items, terms, work)
    await workset.flush(connection, work)
    new = await deliveries.plan(connection, work.deliveries)
    await workset.close(connection, work, items, closings, run_id=run_id)
    subjects = [item.event.subject for item in items]
    await inbox.ring_followers(connection, subjects, trigger=items[0].event.trigger)
    return Booked(items, closings, new, tuple(work.emitted))


def handle(items: Sequence[Claimed], terms: Terms, work: Workset) -> list[Closing]:
    """Takes each event to its desk, in order; what has none is what the rules say of it."""
    clerk = Clerk(terms, work)
    handlers = clerk.handlers()
    for desk in (PeopleDesk(terms, work), SalesDesk(terms, work)):
        handlers |= desk.handlers()
    return [handlers.get(item.event.type, clerk.occurred)(item) for item in items]
