"""Small orders, rated by the real rating, for tests of what is earned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from loyalty.events import Order
from loyalty.facts import MemberFacts
from loyalty.programme import Programme
from rules import RuleSet, decide
from rules.decision import Decision
from tests.rules.samples import event_of

MEMBER = MemberFacts(id="m1", is_enrolled=True)
EARN = {"points": "1", "per": "1.00"}


def order(*lines: str | Mapping[str, Any], **more: Any) -> Order:
    """An order of lines, each a price (`20.00`), a price with tags (`20.00 coffee`), or a
    mapping; named L1, L2, …"""
    found = []
    for at, line in enumerate(lines, start=1):
        given: dict[str, Any] = {"id": f"L{at}", "quantity": 1}
        if isinstance(line, str):
            price, *tags = line.split()
            given |= {"unit_price": price, "tags": tags}
        else:
            given |= line
        found.append(given)
    return Order.model_validate(
        {"id": "1", "currency": "EUR", "total": "0", "lines": found, **more}
    )


def rule(name: str, *then: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A rule for paid orders with these actions."""
    return {"id": name, "on": "order.paid", "then": list(then), **more}


def base(**more: Any) -> dict[str, Any]:
    """One point for each unit of currency."""
    return rule("base", {"earn": EARN | more})


def decided(
    bought: Order,
    *documents: Mapping[str, Any],
    member: MemberFacts = MEMBER,
    explain: bool = True,
    **settings: Any,
) -> Decision:
    """The decision on an order under these rules and programme settings."""
    programme = Programme.model_validate({"zone": "UTC", **settings})
    rules = RuleSet.load(documents)
    return decide(event_of(data=bought), member, programme, rules, explain=explain)


def points(decision: Decision) -> dict[str, int]:
    """Points by rule."""
    return {award.rule: award.points for award in decision.awards}


def told(decision: Decision, name: str = "base") -> str:
    """The arithmetic of a rule's award."""
    return next(award.arithmetic for award in decision.awards if award.rule == name)


def tiered(name: str, factor: str) -> MemberFacts:
    """A member of a tier."""
    return MEMBER.model_copy(update={"tier": name, "tier_factor": Decimal(factor)})


def total(amounts: Iterable[str]) -> Decimal:
    """The sum of prices."""
    return sum(map(Decimal, amounts), Decimal(0))
