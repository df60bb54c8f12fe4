"""The words in which a decision is explained."""

from __future__ import annotations

from typing import Any

import pytest

from rules.decision import RuleTrace
from tests.rules.samples import OVERFLOW, decided, rule


def traces(*documents: dict[str, Any]) -> dict[str, RuleTrace]:
    """The traces of the sample order, by rule."""
    return {trace.rule: trace for trace in decided(*documents).traces}


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (rule("a"), "Fired: it has no conditions, so it fires for every order.paid."),
        (
            rule("a", when=["order.total >= 50"]),
            "Fired: `order.total >= 50` (order.total is 79.90) holds.",
        ),
        (
            rule("a", when=["order.total >= 50", "member.is_enrolled"]),
            "Fired: all 2 conditions hold.",
        ),
        (
            rule("a", when=["order.total >= 100"]),
            "Did not fire: `order.total >= 100` (order.total is 79.90) does not hold.",
        ),
        (
            rule("a", when=["True", "member.email is not None"]),
            "Did not fire: `member.email is not None` (member.email is empty) does not hold.",
        ),
        (
            rule("a", match="any", when=["False", "member.points > 500"]),
            "Fired: `member.points > 500` (member.points is 512) holds.",
        ),
        (
            rule("a", match="any", when=["False", "1 > 2"]),
            "Did not fire: none of its 2 conditions holds.",
        ),
        (
            rule("a", when=[f"{OVERFLOW} > 1"]),
            f"Did not fire: the number is out of range (in `{OVERFLOW} > 1`).",
        ),
        (rule("a", -1), "Did not fire: the award would be negative (-1 points) (in `-1`)."),
        (
            rule("a", starts="2026-02-01T00:00:00Z"),
            "Did not fire: it is in force from 2026-02-01 00:00:00+00:00.",
        ),
        (
            rule("a", starts="2025-02-01T00:00:00Z", ends="2025-02-02T00:00:00Z"),
            "Did not fire: it is in force from 2025-02-01 00:00:00+00:00 "
            "until 2025-02-02 00:00:00+00:00.",
        ),
    ],
)
def test_a_rule_says_why(document: dict[str, Any], why: str) -> None:
    assert traces(document)["a"].why == why


def test_the_loser_of_a_group_names_the_winner() -> None:
    found = traces(
        rule("a", 1, group={"mode": "highest", "name": "offers"}),
        rule("b", 2, group={"mode": "highest", "name": "offers"}),
        rule("c", 1, group="first"),
        rule("d", 2, group="first"),
    )
    assert found["a"].why == "Its conditions held, but `b` was chosen in group offers."
    assert found["d"].why == "Its conditions held, but `c` was chosen in group first."
    assert not found["a"].fired


def test_a_rule_that_was_cut_off_names_who_did_it() -> None:
    found = traces(rule("a", stop=True), rule("b", when=["order.total > 1"]))
    assert found["b"].why == "Not looked at: `a` fired and ended the round."
    assert found["b"].clauses == ()


def test_each_clause_is_told_with_its_values() -> None:
    when = ["order.total\n >= 100", 'any(line.sku == "X" for line in order.lines)', "named > 5"]
    clauses = traces(rule("a", when=when, let={"named": "order.total"}))["a"].clauses
    assert [(one.text, one.held, one.values) for one in clauses] == [
        ("order.total >= 100", False, {"order.total": "79.90"}),
        (
            'any(line.sku == "X" for line in order.lines)',
            False,
            {"line.sku": '"TEA-250", "STARTER-KIT-01"', "order.lines": "2 items"},
        ),
        ("named > 5", True, {"named": "79.90"}),
    ]


def test_a_clause_that_relies_on_one_that_did_not_hold_is_not_judged() -> None:
    when = ["order.customer is not None", 'order.customer.country == "DE"', "order.total > 5"]
    clauses = traces(rule("a", when=when))["a"].clauses
    assert [(one.held, one.is_judged, one.error) for one in clauses] == [
        (False, True, ""),
        (False, False, ""),
        (True, True, ""),
    ]
    assert clauses[1].values == {"order.customer.country": "empty"}


def test_a_clause_that_was_not_reached_may_fail_without_failing_the_rule() -> None:
    decision = decided(rule("a", when=["False", f"{OVERFLOW} > 1"]))
    assert decision.errors == ()
    assert decision.traces[0].clauses[1].error == "the number is out of range"
    assert decision.traces[0].why == "Did not fire: `False` does not hold."


def test_without_explanation_there_are_no_traces() -> None:
    assert decided(rule("a"), explain=False).traces == ()
