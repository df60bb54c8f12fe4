"""The event that the reference and the tests speak of, with everything rules see of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from loyalty.events import Event, EventType, Order
from loyalty.facts import MemberFacts, RatedOrder, Result
from loyalty.programme import Programme
from rules import RuleSet, decide
from rules.decision import Decision
from rules.language import NOTHING_KNOWN, Expression, Knowledge, Scope, compile_expression
from rules.language.tree import UNSET, Environment
from rules.subjects import after_booking, scope_of

ORDER = RatedOrder(
    id="1001",
    currency="EUR",
    total=Decimal("79.90"),
    eligible=Decimal("79.90"),
    lines=[
        {"id": "L1", "sku": "TEA-250", "quantity": 3, "unit_price": "15.00"},
        {"id": "L2", "sku": "STARTER-KIT-01", "quantity": 1, "unit_price": "34.90"},
    ],
)
MEMBER = MemberFacts(
    id="m1",
    is_enrolled=True,
    first_name="Ada",
    tags=("vip",),
    tier="gold",
    tier_factor=Decimal(1),
    points=512,
    lifetime_points=512,
)
PROGRAMME = Programme(name="Tea Club", zone="Europe/Berlin")
RESULT = Result(points=79, balance=591, lifetime_points=591, tier="gold")
Lets = Mapping[str, str]
NO_LETS: Lets = {}
SATURDAY_NIGHT = datetime(2026, 1, 3, 23, 30, tzinfo=UTC)

OVERFLOW = " * ".join(["1000000000000000"] * 8)
"""An expression that is sound and fails whenever it is run: no number is that large."""


def event_of(kind: EventType = EventType.ORDER_PAID, data: Any = None) -> Event:
    """An event with the sample order, or with other data."""
    if data is None:
        data = Order(**{name: getattr(ORDER, name) for name in Order.model_fields})
    return Event(
        type=kind, store="shop/main", key="1001", time=SATURDAY_NIGHT, subject="c1", data=data
    )


def scope(lets: Mapping[str, str] | None = None, *, after: bool = False) -> Scope:
    """The names of an order, with `result` where `after` the booking."""
    found = scope_of(EventType.ORDER_PAID, lets)
    return after_booking(found) if after else found


def environment(**instead: Any) -> Environment:
    """The sample values, some replaced: event, member, programme, data, result."""
    values = {
        "event": event_of(), "member": MEMBER, "programme": PROGRAMME,
        "data": ORDER, "result": RESULT, **instead,
    }  # fmt: skip
    return [*values.values(), *[UNSET] * 60]


def read(text: str, *, known: Knowledge = NOTHING_KNOWN, lets: Lets = NO_LETS) -> Expression:
    """The expression, compiled for an order."""
    return compile_expression(text, scope(lets), assumed=known)


def value_of(text: str, **lets: str) -> Any:
    """What the expression yields for the sample order."""
    return read(text, lets=lets).run(environment())


def rule(name: str, points: Any = 10, **more: Any) -> dict[str, Any]:
    """A rule that awards; `when` and the rest by name."""
    return {"id": name, "on": "order.paid", "then": [{"award": {"points": points}}], **more}


def decided(*documents: dict[str, Any], member: MemberFacts = MEMBER, **more: Any) -> Decision:
    """The decision on the sample order."""
    return decide(event_of(), member, PROGRAMME, RuleSet.load(documents), **more)
