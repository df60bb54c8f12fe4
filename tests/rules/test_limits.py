"""Limits as the booking gets them, deductions, tiers, and examples that know of limits."""

from __future__ import annotations

from typing import Any

import pytest

from loyalty.facts import MemberFacts, Result
from loyalty.programme import Programme
from rules import RuleSet, RuleSetError, decide, effects
from rules.decision import AppliedLimit
from rules.rehearsal import run_examples
from tests.rules.purchases import EARN
from tests.rules.samples import event_of, rule

MEMBER = MemberFacts(id="m1", zone="Asia/Tokyo")
PROGRAMME = Programme(zone="Europe/Berlin", unit_scale=2)
MESSAGE = {"send_message": {"channel": "sms", "template": "points_earned"}}


def test_an_award_carries_its_limits_resolved() -> None:
    limits = [
        {"points": "2.5", "every": "month", "on_short": "skip"},
        {"times": 3, "per": "rule", "every": "iso_week", "zone": "member"},
        {"points": 1000, "per": "programme", "every": "day", "zone": "UTC"},
    ]
    rules = RuleSet.load([rule("a", limits=limits)])
    [award] = decide(event_of(), MEMBER, PROGRAMME, rules).awards
    assert award.points == 1000
    assert award.limits == (
        AppliedLimit(
            key="a:points:member:month", kind="points", amount=250, per="member", every="month",
            zone="Europe/Berlin", on_short="skip",
        ),
        AppliedLimit(
            key="a:times:rule:iso_week", kind="times", amount=3, per="rule", every="iso_week",
            zone="Asia/Tokyo",
        ),
        AppliedLimit(
            key="programme:points:programme:day", kind="points", amount=100_000,
            per="programme", every="day", zone="UTC",
        ),
    )  # fmt: skip


def test_a_rule_without_points_may_be_limited_in_times() -> None:
    document = {"id": "a", "on": "order.paid", "then": [MESSAGE], "limits": {"times": 1}}
    rules = RuleSet.load([document])
    decision = decide(event_of(), MEMBER, PROGRAMME, rules)
    assert [(use.rule, use.limits[0].amount) for use in decision.uses] == [("a", 1)]
    assert [limit.key for limit in decision.limits] == ["a:times:member:ever"]


def test_a_rule_that_does_nothing_uses_nothing() -> None:
    rules = RuleSet.load([rule("a", when=["False"], limits={"times": 1})])
    assert decide(event_of(), MEMBER, PROGRAMME, rules).uses == ()


def test_a_barred_rule_does_nothing_else_either() -> None:
    documents = [
        {"id": name, "on": "order.paid", "then": [{"award": {"points": 1}}, MESSAGE]}
        for name in ("a", "b")
    ]
    rules = RuleSet.load(documents)
    decision = decide(event_of(), MEMBER, PROGRAMME, rules)
    planned = effects(
        decision, event_of(), MEMBER, Result(), PROGRAMME, rules, barred=frozenset({"a"})
    )
    assert [effect.rule for effect in planned.effects] == ["b"]


def test_a_deduction_is_a_negative_flat_award() -> None:
    rules = RuleSet.load(
        [
            {"id": "fee", "on": "order.paid", "then": [{"deduct": {"points": "2.5"}}]},
            {"id": "twice", "on": "order.paid", "then": [{"multiply": {"by": 2}}]},
        ]
    )
    [award] = decide(event_of(), MEMBER, PROGRAMME, rules).awards
    assert (award.points, award.flat, award.arithmetic) == (-250, True, "2.5")


def test_the_first_rule_that_sets_a_tier_sets_it() -> None:
    documents = [
        {"id": name, "on": "order.paid", "then": [{"set_tier": {"tier": tier}}], "priority": prior}
        for name, tier, prior in (("a", "silver", 0), ("b", "gold", 5))
    ]
    decision = decide(event_of(), MEMBER, PROGRAMME, RuleSet.load(documents))
    assert decision.set_tier is not None
    assert (decision.set_tier.rule, decision.set_tier.tier) == ("b", "gold")


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"limits": {"points": 1, "times": 1}}, "counts either `points` or `times`"),
        ({"limits": {"every": "day"}}, "counts either `points` or `times`"),
        ({"limits": [{"times": 1}, {"times": 2}]}, "two limits count the same"),
        ({"limits": {"points": 1}, "then": [MESSAGE]}, "write `times` instead"),
        ({"limits": {"times": 1}, "then": [{"multiply": {"by": 2}}]}, "give a bonus with `award`"),
        ({"limits": {"times": 1}, "then": [{"deduct": {"points": 2}}]}, "gives nothing"),
        ({"limits": {"times": 1, "evry": "day"}}, "Did you mean `every`?"),
    ],
)
def test_limits_that_make_no_sense_are_refused(document: dict[str, Any], problem: str) -> None:
    with pytest.raises(RuleSetError) as caught:
        RuleSet.load([{**rule("a"), **document}])
    assert problem in str(caught.value)


ORDER = {
    "type": "order.paid",
    "data": {
        "id": "1", "currency": "EUR", "total": "10.00",
        "lines": [{"id": "L1", "quantity": 1, "unit_price": "10.00"}],
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("document", "example"),
    [
        (
            {"limits": {"points": 15}},
            {"used": {"points": 8}, "expect": {"points": 7, "wanted": 10}},
        ),
        (
            {"limits": {"points": 15, "on_short": "skip"}},
            {"used": {"points": 8}, "expect": {"points": 0}},
        ),
        ({"limits": {"times": 2}}, {"used": {"times": 1}, "expect": {"points": 10}}),
        ({"limits": {"times": 2}}, {"used": {"times": 2}, "expect": {"points": 0, "effects": []}}),
        (
            {"then": [{"multiply": {"by": "2.55"}}]},
            {"beside": EARN, "expect": {"points": 25, "wanted": "25.5", "fires": True}},
        ),
        ({"then": [{"set_tier": {"tier": "gold"}}]}, {"expect": {"tier": "gold"}}),
        (
            {"then": [{"earn": {"points": "0.05", "per": 1}}]},
            {"programme": {"unit_scale": 2}, "expect": {"points": "0.50"}},
        ),
    ],
)  # fmt: skip
def test_examples_know_of_limits_and_multipliers(
    document: dict[str, Any], example: dict[str, Any]
) -> None:
    rules = RuleSet.load([{**rule("a"), **document, "examples": [{"event": ORDER, **example}]}])
    assert run_examples(rules) == ()
    assert RuleSet.from_documents(rules.documents()) == rules
