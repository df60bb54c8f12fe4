"""Tells subscribers of events: plans a delivery for each, and ends what wants to hear no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from flows.terms import Terms
from loyalty.events import Event, EventType
from loyalty.store import hooks_out
from loyalty.store.deliveries import LEASE, Delivery
from loyalty.store.hooks_out import CAPABILITY, HookOut
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed, Closing

ACTION = "deliver"


def tell_subscribers(
    items: Sequence[Claimed], closings: Sequence[Closing], terms: Terms
) -> Sequence[Delivery]:
    """The deliveries of events that were booked, to those who subscribed their types."""
    if not terms.hooks:
        return ()
    ends = {one.id: one for one in closings}
    return [
        _delivery(item, ends[item.id], hook, terms)
        for item in items
        if item.id in ends and _is_told(ends[item.id])
        for hook in _listening(item.event, terms)
    ]


def _is_told(closing: Closing) -> bool:
    """Whether it counted; nothing more is said of somebody who was forgotten."""
    return closing.state == "done" and closing.code != "erased"


def _listening(event: Event, terms: Terms) -> Iterator[HookOut]:
    known = terms.planner.directory.connections
    for hook in terms.hooks.get(event.type.value, ()):
        stored = known.get(hook.slug)
        if stored is None or stored.state == "absent":
            continue
        # A Zap that hears of what Zaps report would start itself again and again.
        if hook.include_own or event.store != hook.slug:
            yield hook


def _delivery(item: Claimed, closing: Closing, hook: HookOut, terms: Terms) -> Delivery:
    stored = terms.planner.directory.connections[hook.slug]
    is_ready = stored.state == "active"
    told = told_of(item.event, event_id=item.id, closing=closing)
    return Delivery(
        id=new_id(terms.now),
        key=f"{item.event.business_key}:{CAPABILITY}:{hook.id}",
        capability=CAPABILITY,
        input={"hook_id": str(hook.id), "target_url": hook.target_url, "event": told},
        state="pending" if is_ready else "held",
        created_at=terms.now,
        connector=hook.connector,
        connection=hook.connection,
        action=ACTION,
        event_id=item.id,
        member_id=closing.member_id,
        target=str(hook.id),
        reason="" if is_ready else f"{hook.slug} is {stored.state}: {stored.reason}",
        owner=terms.planner.owner if is_ready else "",
        lease_until=terms.now + LEASE if is_ready else None,
    )


def told_of(event: Event, *, event_id: int, closing: Closing) -> dict[str, Any]:
    """The event in the CloudEvents form, with what it came to as extension attributes.

    Of somebody who was forgotten only the shop's own id is told, so that others can follow.
    """
    told = event.cloud_event(event_id=str(event_id))
    if event.type is EventType.MEMBER_ERASED:
        told["subject"] = event.store
        told["data"] = {"customer": {"id": event.data.customer.id}}
    if closing.member_id is not None:
        told["memberid"] = str(closing.member_id)
    outcome = closing.outcome or {}
    return told | {name: outcome[name] for name in ("points", "balance") if name in outcome}


def has_unsubscribed(delivery: Delivery, error: Exception | None) -> bool:
    """Whether the subscriber answered that it wants to hear no more (410)."""
    return delivery.capability == CAPABILITY and getattr(error, "status", None) == 410


async def end_subscription(hub: Any, delivery: Delivery) -> None:
    """Ends the subscription of a delivery whose subscriber is gone."""
    await hub.database.persist(
        lambda connection: hooks_out.end(
            connection,
            UUID(delivery.target),
            reason="the subscriber answered 410 Gone",
            now=hub.clock(),
        )
    )
