"""What is heard of our messages, from vendors and at the hub's own links: judged and written down.

No Prefect here: booking calls it for the events of the trigger `feedback`, in its transaction and
before the desks see them. What a report means for consent and suppression is the people desk's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from flows import fallback
from loyalty.engagement import TOUCHES, Kind, Touch, link_mark
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
    EventType.MESSAGE_COMPLAINED: Kind.COMPLAINED,
}


@dataclass(frozen=True, slots=True)
class Heard:
    """A batch once its reports were judged.

    Attributes:
        items: The batch; an open or click that was a machine's says so.
        instead: What has to be sent instead of messages that did not arrive.
    """

    items: Sequence[Claimed]
    instead: Sequence[Delivery] = ()


async def hear(
    connection: AsyncConnection, items: Sequence[Claimed], programme: Programme, *, now: datetime
) -> Heard:
    """Writes down what is said of our deliveries.

    Reports about messages that somebody else sent through the same account change nothing here.
    """
    told = [item for item in items if item.event.type in KIND_OF]
    if not told:
        return Heard(items)
    found = await engagement.deliveries_of(connection, (_named(item.event) for item in told))
    ours = [item for item in told if _named(item.event) in found]
    touches = [(found[_named(item.event)], touch_of(item.event)) for item in ours]
    recorded = await engagement.record(connection, touches, policy=programme.tracking)
    machines = {
        item.id
        for item, one in zip(ours, recorded, strict=True)
        if one is not None and one.kind in TOUCHES and one.is_machine
    }
    instead = await fallback.hear(connection, [one for one in recorded if one is not None], now=now)
    return Heard([_said(item, is_machine=item.id in machines) for item in items], instead)


def _said(item: Claimed, *, is_machine: bool) -> Claimed:
    if not is_machine or item.event.data.is_machine:
        return item
    data = item.event.data.model_copy(update={"is_machine": True})
    return replace(item, event=item.event.model_copy(update={"data": data}))


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
