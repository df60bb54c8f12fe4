"""How long ten rules take on an order of 5 KB: decided, explained, and beside plain Python.

Run: python -m benchmarks.rules_decide
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from statistics import median
from time import perf_counter_ns
from typing import Any

from loyalty.eligibility import rate
from loyalty.events import Event, EventType, Order
from loyalty.facts import MemberFacts, RatedOrder
from loyalty.programme import Programme
from rules import RuleSet, decide

RULES: list[dict[str, Any]] = [
    {"when": [], "then": {"earn": {"points": "1", "per": "1.00"}}},
    {"when": ["order.eligible >= 100"], "then": {"award": {"points": "50", "flat": True}}},
    {
        "when": ['any(starts_with(line.sku, "STARTER-KIT") for line in order.lines)'],
        "then": {"award": {"points": "100", "flat": True}},
    },
    {"when": ["member.orders_count == 0"], "then": {"award": {"points": "25"}}},
    {
        "when": ['member.tier in ["gold", "platinum"]', "order.total > 500"],
        "then": {"award": {"points": "75"}},
    },
    {
        "when": ["sum(line.quantity for line in order.lines) >= 40"],
        "then": {"award": {"points": "30"}},
    },
    {"when": ['"WELCOME10" in order.codes'], "then": {"award": {"points": "10"}}},
    {
        "when": ['order.channel == "pos"', "order.tip == 0"],
        "then": {"award": {"points": "5"}},
    },
    {
        "when": ["order.customer is not None", 'order.customer.country == "DE"'],
        "then": {"award": {"points": "round_half_up(order.eligible * 0.05)"}},
    },
    {
        "when": ['weekday(event.time, programme.zone) in ["saturday", "sunday"]'],
        "then": {"multiply": {"by": "2"}},
    },
]

WEEKEND = ("saturday", "sunday")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", *WEEKEND)


def rule_set() -> RuleSet:
    """Ten rules of the kinds that shops use."""
    return RuleSet.load(
        {
            "id": f"rule-{number}",
            "on": ["order.paid"],
            "when": rule["when"],
            "then": [rule["then"]],
        }
        for number, rule in enumerate(RULES)
    )


def order_event() -> Event:
    """An order that is about 5 KB of JSON."""
    lines = [
        {
            "id": f"line-{number}",
            "sku": "STARTER-KIT-01" if number == 12 else f"TEA-{number:04}",
            "product_id": f"product-{number:06}",
            "title": f"Green tea of the highlands, lot {number}, hand-picked and slowly dried",
            "quantity": number % 4 + 1,
            "unit_price": "7.90",
        }
        for number in range(20)
    ]
    data = {
        "id": "5001", "number": "#1001", "currency": "EUR", "total": "395.00", "lines": lines,
        "shipping": "4.90", "tax": "25.84", "codes": ["WELCOME10"], "channel": "web",
        "tenders": [{"kind": "card", "amount": "395.00"}],
        "customer": {"id": "c1", "email": "ada@example.com", "country": "DE"},
    }  # fmt: skip
    return Event(
        type=EventType.ORDER_PAID, store="shopify/main", key="5001", subject="c1",
        time=datetime(2026, 1, 3, 12, tzinfo=UTC), data=Order.model_validate(data),
    )  # fmt: skip


def by_hand(
    event: Event, member: MemberFacts, programme: Programme, order: RatedOrder
) -> list[tuple[int, int, Decimal]]:
    """The same ten rules in Python: which one gives how many points, and exactly how many before
    rounding. Days in UTC for want of a zone in the comparison."""
    factor = member.tier_factor * (2 if DAYS[event.time.weekday()] in WEEKEND else 1)
    kits = any(line.sku.startswith("STARTER-KIT") for line in order.lines)
    flat = [(1, 50 if order.eligible >= 100 else 0), (2, 100 if kits else 0)]
    earned = [
        (0, order.eligible),
        (3, 25 if member.orders_count == 0 else 0),
        (4, 75 if member.tier in ("gold", "platinum") and order.total > 500 else 0),
        (5, 30 if sum(line.quantity for line in order.lines) >= 40 else 0),
        (6, 10 if "WELCOME10" in order.codes else 0),
        (7, 5 if order.channel == "pos" and order.tip == 0 else 0),
        (
            8,
            (order.eligible * Decimal("0.05")).to_integral_value(ROUND_HALF_UP)
            if order.customer is not None and order.customer.country == "DE"
            else 0,
        ),
    ]
    found = [(rule, points, Decimal(points)) for rule, points in flat if points]
    total, before = Decimal(0), 0
    for rule, wanted in earned:
        exact = wanted * factor
        total += exact
        after = int(total.to_integral_value(ROUND_FLOOR))
        if after != before:
            found.append((rule, after - before, exact))
        before = after
    return sorted(found)


def microseconds(orders: Sequence[RatedOrder], *works: Callable[[RatedOrder], Any]) -> list[float]:
    """The median duration of one call of each, over orders of different amounts.

    They take turns, so that whatever else the machine does meets all of them alike.
    """
    for order in orders[:50]:
        for work in works:
            work(order)
    gc.disable()
    taken: list[list[int]] = [[] for _ in works]
    for order in orders:
        for work, times in zip(works, taken, strict=True):
            started = perf_counter_ns()
            work(order)
            times.append(perf_counter_ns() - started)
    gc.enable()
    return [median(times) / 1000 for times in taken]


def main() -> None:
    """Measures and prints, all in one run."""
    event, rules, programme = order_event(), rule_set(), Programme()
    member = MemberFacts(id="m1", tier="gold", tier_factor=Decimal("1.5"), orders_count=3)
    order = rate(event.data, programme)
    orders = [
        order.model_copy(update={"eligible": Decimal(39500 + n).scaleb(-2)}) for n in range(8000)
    ]
    size = len(json.dumps(event.data.model_dump(mode="json")))
    decided = decide(event, member, programme, rules, data=order, explain=False)
    awarded = [
        (int(one.rule.removeprefix("rule-")), one.points, one.wanted) for one in decided.awards
    ]
    assert awarded == by_hand(event, member, programme, order)

    def run(**how: bool) -> Callable[[RatedOrder], Any]:
        return lambda one: decide(event, member, programme, rules, data=one, **how)

    hand, plain = microseconds(
        orders,
        lambda one: by_hand(event, member, programme, one),
        run(explain=False, remember=False),
    )
    booked, explained, rating = microseconds(
        orders[:1000],
        run(explain=False),
        run(),
        lambda one: rate(event.data, programme),
    )
    print(f"order of {size} bytes, {len(order.lines)} lines, 10 rules, {len(decided.fired)} fired")
    print(f"by hand                 {hand:8.1f} us")
    print(f"decide, explain off     {plain:8.1f} us  ({plain / hand:.1f} x by hand)")
    print(f"decide, as it is booked    {booked:8.1f} us")
    print(f"decide, explain on      {explained:8.1f} us")
    print(f"rating the order        {rating:8.1f} us  (once per order, before deciding)")
    started = perf_counter_ns()
    thousand = RuleSet.load(
        {**document, "id": f"{document['id']}-{number}"}
        for number in range(100)
        for document in rules.documents()
    )
    print(f"load {len(thousand)} rules         {(perf_counter_ns() - started) / 1e9:8.2f} s")


if __name__ == "__main__":
    main()
