"""What vendors report about messages of ours: written down, and heard by what waits for it.

No Prefect here: booking calls it for the events of the trigger `feedback`, in its transaction.
What a report means for consent and suppression is the people desk's matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from flows import fallback
from loyalty.engagement import Kind, Touch, link_mark
from loyalty.events import Event, EventType, MessageReport
from loyalty.programme import Programme
from loyalty.store import engagement
from loyalty.store.deliveries import Delivery
from loyalty.store.inbox import Claimed

KIND_OF: dict[EventType, Kind] = {
    EventType.MESSAGE_DELIVERED: Kind.DELIVERED,
    EventType.MESSAGE_BOUNCED: Kind.BOUNCED,
    EventType.MESSAGE_OPENED: Kind.OPENED,
    EventType.MESSAGE_CLICKED: Kind.CLICKED,
    EventType.MESSAGE_UNSUBSCRIBED: Kind.UNSUBSCRIBED,
}


async def take_in(
    connection: AsyncConnection, items: Sequence[Claimed], programme: Programme, *, now: datetime
) -> list[Delivery]:
    """Writes down what is said of our deliveries; returns what has to be sent instead of some.

    Reports about messages that somebody else sent through the same account change nothing here.
    """
    told = [item.event for item in items if item.event.type in KIND_OF]
    found = await engagement.deliveries_of(connection, (_named(event) for event in told))
    touches = [(found[_named(event)], touch_of(event)) for event in told if _named(event) in found]
    recorded = await engagement.record(connection, touches, policy=programme.tracking)
    return await fallback.hear(connection, recorded, now=now)


def _named(event: Event) -> tuple[str, str]:
    report: MessageReport = event.data
    return event.store, report.vendor_message_id


def touch_of(event: Event) -> Touch:
    """What a report says, as engagement counts it."""
    report: MessageReport = event.data
    kind = KIND_OF[event.type]
    return Touch(
        kind=kind,
        at=event.time,
        link=link_mark(report.detail) if kind is Kind.CLICKED else "",
        user_agent=report.user_agent,
        is_said_machine=report.is_machine,
    )
