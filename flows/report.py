"""What a run leaves in Prefect: a table of its events, and events that automations can hear."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from prefect.artifacts import acreate_table_artifact
from prefect.events import emit_event
from prefect.runtime import flow_run

from connectors.kit.redact import without_people
from flows.booking import Booked
from flows.sending import Trouble
from loyalty.events import Event, EventType
from loyalty.store.deliveries import Delivery
from loyalty.store.inbox import Claimed, Closing

logger = logging.getLogger(__name__)

MOST_ROWS = 200
"""Rows of one table; a larger batch says how many were left out."""

NAMES = {
    EventType.MILESTONE_REACHED: "loyalty.milestone.reached",
    EventType.TIER_CHANGED: "loyalty.tier.changed",
}

KINDS = {
    "dead": "loyalty.delivery.dead",
    "unknown": "loyalty.delivery.unknown",
    "refused": "loyalty.connection.refused",
}


async def report(trigger: str, batches: Sequence[Booked], troubles: Sequence[Trouble]) -> None:
    """Leaves the run's table artifact and emits its events.

    The books are right whether or not this works, so that a Prefect server that is away
    costs the table and not the run's outcome.
    """
    items = [item for batch in batches for item in batch.items]
    if items:
        rows = _rows(batches)
        left_out = len(items) - len(rows)
        await _leave_table(f"{trigger}-batch", rows, _summary(trigger, batches, left_out))
    emit_events(trigger, batches, troubles)


async def _leave_table(key: str, rows: list[dict[str, Any]], description: str) -> None:
    try:
        await acreate_table_artifact(table=rows, key=key, description=description)
    except httpx.HTTPError as error:
        logger.warning("the table of %s is lost: Prefect %s", key, type(error).__name__)


async def leave_deliveries(sent: Sequence[Delivery], counts: Mapping[str, int]) -> None:
    """Leaves the table of a run that only sent."""
    ended = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    rows = [
        {
            "delivery": one.key,
            "through": one.route,
            "attempt": one.attempts,
            "vendor id": one.vendor_id,
        }
        for one in sent[:MOST_ROWS]
    ]
    await _leave_table("deliver-batch", rows, f"deliver: {ended or 'nothing could be sent'}.")


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
    for trouble in troubles:
        tell_of_trouble(trouble)


def _tell_of_member(event: Event) -> None:
    name = NAMES.get(event.type)
    if name is not None:
        emit_event(
            event=name,
            resource={"prefect.resource.id": f"loyalty.member.{event.data.member_id}"},
            payload=event.data.model_dump(mode="json"),
        )


def tell_of_trouble(trouble: Trouble) -> None:
    """Emits a dead or unknown delivery, or a refused connection, as a Prefect event."""
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


def _rows(batches: Sequence[Booked]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for batch in batches:
        planned = defaultdict(list)
        for delivery in batch.deliveries:
            planned[delivery.event_id].append(delivery)
        for item, closing in zip(batch.items, batch.closings, strict=True):
            if len(rows) == MOST_ROWS:
                return rows
            rows.append(_row(item, closing, planned[item.id]))
    return rows


def _row(item: Claimed, closing: Closing, planned: Sequence[Delivery]) -> dict[str, Any]:
    outcome = closing.outcome or {}
    entries = outcome.get("entries", [])
    reasons = [f"{rule or 'redeemed'}: {points:+d} ({why})" for rule, points, why in entries]
    problems = [str(one) for one in outcome.get("errors", [])]
    return {
        "event": item.event.business_key,
        "ended": closing.state,
        "why": closing.reason or "; ".join(reasons + problems) or "no rule awards anything for it",
        "points": outcome.get("points", 0),
        "balance": outcome.get("balance", ""),
        "member": str(closing.member_id or ""),
        "deliveries": ", ".join(f"{one.route or one.capability} ({one.state})" for one in planned)
        or "none",
    }


def _summary(trigger: str, batches: Sequence[Booked], left_out: int) -> str:
    closings = [closing for batch in batches for closing in batch.closings]
    points = sum((one.outcome or {}).get("points", 0) for one in closings)
    planned = sum(len(batch.deliveries) for batch in batches)
    text = f"{trigger}: {len(closings)} events, {points} points, {planned} deliveries."
    if left_out:
        text += f" The last {left_out} events are not shown: `hub` lists them all."
    return text
