"""Events of points that people give, take and agree to."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

from gateway.console.visit import Turned, Visitor
from loyalty.events import (
    Adjustment,
    AdjustmentApproval,
    Customer,
    Event,
    EventType,
    MemberBlock,
    subject_of,
)
from loyalty.store.people import Identity

HUB = "hub"
"""Whose ids the adjustments of the console are."""

_FIELD = {"customer": "id", "card": "card", "email": "email", "phone": "phone"}


def known_by(names: Sequence[Identity]) -> tuple[str, Customer]:
    """The store and the customer by which an event finds the member again.

    What is no store's own comes first, so that the event is the hub's.

    Raises:
        Turned: Nothing leads to the member: a forgotten or joined account.
    """
    for store, kind, value in sorted(names, key=lambda one: (one[0] != "", one)):
        if kind in _FIELD:
            return store or HUB, Customer(**{_FIELD[kind]: value})
    raise Turned(
        409,
        "This account has nobody any more",
        "It was forgotten or joined with another; change the account that it went into.",
    )


def adjustment_event(
    visit: Visitor, *, store: str, customer: Customer, points: int, reason: str
) -> Event:
    """Points given or taken by the visitor; the form's own number makes it once."""
    key = f"console-{_number(visit.text('once'))}"
    return Event(
        type=EventType.POINTS_ADJUSTED,
        store=store,
        key=key,
        time=visit.now,
        subject=subject_of(store, customer, key),
        data=Adjustment(id=key, points=points, reason=reason, by=visit.who, customer=customer),
    )


def block_event(
    visit: Visitor, *, store: str, customer: Customer, is_blocked: bool, reason: str
) -> Event:
    """The visitor's word that a member may spend no points, or may again."""
    key = f"console-{visit.now.isoformat()}-{uuid4().hex[:8]}"
    return Event(
        type=EventType.MEMBER_BLOCKED if is_blocked else EventType.MEMBER_UNBLOCKED,
        store=store,
        key=key,
        time=visit.now,
        subject=subject_of(store, customer, key),
        data=MemberBlock(customer=customer, reason=reason, by=visit.who),
    )


def approval_event(visit: Visitor, adjustment: str, *, member_id: UUID) -> Event:
    """The visitor's agreement to an adjustment, named `store:id`."""
    store, _, id = adjustment.rpartition(":")
    return Event(
        type=EventType.ADJUSTMENT_APPROVED,
        store=store or HUB,
        key=f"{id}:{visit.session.id}:{visit.now.isoformat()}",
        time=visit.now,
        subject=f"member:{member_id}",
        data=AdjustmentApproval(adjustment_id=id, by=visit.who),
    )


def _number(once: str) -> str:
    try:
        return str(UUID(once))
    except ValueError:
        return str(uuid4())
