"""What a run leaves in Prefect: a table of its events, and events that automations can hear."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.artifacts import acreate_table_artifact
from prefect.events import emit_event
from prefect.runtime import flow_run

from connectors.kit.redact import without_people
from flows.booking import Booked
from flows.fanout import FanOut
from flows.runtime import Hub
from flows.sending import Trouble
from flows.tables import (
    EXPLAINED,
    MOST_ROWS,
    Row,
    Told,
    delivery_rows,
    delivery_summary,
    event_rows,
    summary,
    traces_of,
)
from loyalty.events import Event, EventType
from loyalty.store import delivery_lists
from loyalty.store.database import StoreAway
from loyalty.store.deliveries import Delivery
from loyalty.store.inbox import Closing

logger = logging.getLogger(__name__)

NAMES = {
    EventType.MILESTONE_REACHED: "loyalty.milestone.reached",
    EventType.TIER_CHANGED: "loyalty.tier.changed",
}

KINDS = {
    "dead": "loyalty.delivery.dead",
    "unknown": "loyalty.delivery.unknown",
    "refused": "loyalty.connection.refused",
    "unheard": "loyalty.connection.unheard",
}


async def report(hub: Hub, trigger: str, batches: Sequence[Booked], fan_out: FanOut) -> None:
    """Leaves the run's table and its line in the log, and emits its events.

    The books are right whether or not this works, so that a store or a Prefect server that is
    away costs the table and not the run's outcome.
    """
    told = [one for batch in batches for one in _told(batch)]
    if told:
        unsent = Counter(d.state for one in told for d in one.sent if d.state != "pending")
        line = summary(trigger, told, fan_out.counts + unsent)
        get_run_logger().info(line)
        rows, left_out = event_rows(await _as_it_stands(hub, told))
        if left_out:
            line += f". The last {left_out} events are not shown: `hub events` lists them all"
        await leave_table(f"{trigger}-batch", rows, line + ".")
    emit_events(trigger, batches, fan_out.troubles)


async def report_deliveries(hub: Hub, sent: Sequence[Delivery], counts: Mapping[str, int]) -> None:
    """Leaves the table of a run that only sent, and its line in the log."""
    line = f"deliver: {delivery_summary(counts)}"
    get_run_logger().info(line)
    current = await _current(hub, sent[:MOST_ROWS])
    rows = delivery_rows([current.get(one.id, one) for one in sent])
    await leave_table("deliver-batch", rows, line + ".")


def _told(batch: Booked) -> Iterator[Told]:
    planned = defaultdict(list)
    for delivery in batch.deliveries:
        planned[delivery.event_id].append(delivery)
    for item, closing in zip(batch.items, batch.closings, strict=True):
        yield Told(item, closing, planned[item.id])


async def _as_it_stands(hub: Hub, told: Sequence[Told]) -> list[Told]:
    """With the deliveries as they are by now, and with explanations where they are few."""
    current = await _current(hub, [d for one in told[:MOST_ROWS] for d in one.sent])
    terms = await hub.terms() if len(told) <= EXPLAINED else None
    return [
        Told(
            one.item,
            one.closing,
            [current.get(d.id, d) for d in one.sent],
            traces_of(one.item, one.closing, terms) if terms else (),
        )
        for one in told
    ]


async def _current(hub: Hub, sent: Sequence[Delivery]) -> dict[UUID, Delivery]:
    """The deliveries as the store knows them now; none where it is away."""
    wanted = delivery_lists.Search(ids=tuple(one.id for one in sent), limit=len(sent))
    if not wanted.ids:
        return {}
    try:
        async with hub.database.begin() as connection:
            return {one.id: one for one in await delivery_lists.search(connection, wanted)}
    except StoreAway:
        logger.warning("a table shows deliveries as they were planned: the store is away")
        return {}


async def leave_table(key: str, rows: list[Row], description: str) -> None:
    """Leaves a table artifact of the run; a Prefect server that is away costs only the table."""
    try:
        await acreate_table_artifact(table=rows, key=key, description=description)
    except httpx.HTTPError as error:
        logger.warning("the table of %s is lost: Prefect %s", key, type(error).__name__)


def emit_events(trigger: str, batches: Sequence[Booked], troubles: Sequence[Trouble]) -> None:
    """Emits what operations can hang automations on, with the member or connection as resource."""
    count = sum(len(batch.items) for batch in batches)
    if count:
        emit_event(
            event="loyalty.batch.processed",
            resource={
                "prefect.resource.id": f"loyalty.trigger.{trigger}",
                "prefect.resource.name": trigger,
            },
            payload={"events": count, "flow_run_id": str(flow_run.id or "")},
        )
    for batch in batches:
        for event in batch.emitted:
            _tell_of_member(event)
        for closing in batch.closings:
            _tell_what_was_asked(closing)
    for trouble in troubles:
        tell_of_trouble(trouble)


def _tell_what_was_asked(closing: Closing) -> None:
    """Events that rules ask for by name, and what somebody should look at."""
    outcome = closing.outcome or {}
    resource = {"prefect.resource.id": f"loyalty.member.{closing.member_id}"}
    for name, values in outcome.get("announced", ()):
        shown = {key: _shown(value) for key, value in values.items()}
        emit_event(event=f"loyalty.rule.{name}", resource=resource, payload=shown)
    for alert in outcome.get("alerts", ()):
        emit_event(event=f"loyalty.alert.{alert}", resource=resource, payload={"event": closing.id})


def _shown(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)


def _tell_of_member(event: Event) -> None:
    name = NAMES.get(event.type)
    if name is not None:
        emit_event(
            event=name,
            resource={"prefect.resource.id": f"loyalty.member.{event.data.member_id}"},
            payload=event.data.model_dump(mode="json"),
        )


def tell_of_trouble(trouble: Trouble) -> None:
    """Emits a dead or unknown delivery, a refused or unheard connection, as a Prefect event."""
    resource = {
        "prefect.resource.id": f"loyalty.connection.{trouble.slug.replace('/', '.')}",
        "prefect.resource.name": trouble.slug,
    }
    payload: dict[str, Any] = {"reason": without_people(trouble.reason), "connection": trouble.slug}
    if trouble.delivery is not None:
        payload |= {
            "delivery": str(trouble.delivery.id),
            "capability": trouble.delivery.capability,
            "rule": trouble.delivery.rule,
        }
    emit_event(event=KINDS[trouble.kind], resource=resource, payload=payload)
