"""What is doubtful about rules: what needs approval, and what its authors hardly want."""

from __future__ import annotations

from typing import Any

import pytest

from rules import RuleSet
from tests.rules.samples import rule


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ({"award": {"points": 1_000_000}}, None),
        ({"award": {"points": 1_000_001}}, "it awards 1,000,001 points at once"),
        ({"award": {"points": "2_000_000"}}, "it awards 2,000,000 points at once"),
        ({"award": {"points": -5}}, "it awards -5 points, which fails: write `deduct`"),
        ({"award": {"points": "order.total - 5"}}, None),
        ({"deduct": {"points": 5}}, "it takes 5 points away from members"),
        ({"deduct": {"points": "order.total"}}, "it takes points away from members"),
        ({"earn": {"points": 1_000_001, "per": 1}}, "it earns 1000001 points per 1"),
        ({"earn": {"points": 1, "per": 1}}, None),
    ],
)
def test_points_that_look_like_a_slip_need_approval(
    action: dict[str, Any], told: str | None
) -> None:
    rules = RuleSet.load([{"id": "a", "on": "order.paid", "then": [action]}])
    found = [str(problem) for problem in rules.needs_approval]
    assert len(found) == bool(told)
    assert not told or told in found[0]


JANUARY = {"starts": "2026-01-01T00:00:00Z", "ends": "2026-02-01T00:00:00Z"}
LATER = {"starts": "2026-02-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("documents", "told"),
    [
        (
            [rule("a", group="first", **JANUARY), rule("b", group="first", **JANUARY)],
            ["b, group: its time overlaps with that of `a`, which wins in group first when"],
        ),
        ([rule("a", group="first", **JANUARY), rule("b", group="first", **LATER)], []),
        (
            [
                rule("a", group="first", days=[1], **JANUARY),
                rule("b", group="first", days=[2], **JANUARY),
            ],
            [],
        ),
        ([rule("a", **JANUARY), rule("b", **JANUARY)], []),
        (
            [rule("a", stop=True, priority=1), rule("b", when=["order.total > 1"])],
            ["b, priority: `a` always fires before it and ends the round: it never fires"],
        ),
        ([rule("a", stop=True, priority=1, **JANUARY), rule("b")], []),
        (
            [rule("a", group="first"), rule("b", group="first")],
            ["b, group: `a` always fires before it in its group: it never fires"],
        ),
        (
            [
                rule("a", group="first"),
                rule("b", group="first", on=["order.paid", "order.edited"]),
            ],
            [],
        ),
        ([rule("a", group="first", enabled=False), rule("b", group="first")], []),
        ([rule("a", holdout={"percent": 100})], ["a, holdout: it holds out everybody"]),
        ([rule("a", when=["True", "False"])], ["a, when[1]: it is never true"]),
        (
            [rule("a", when=['order.channel == "pos"', 'order.channel == "web"'])],
            ["a, when[1]: `order.channel` cannot equal two things at once"],
        ),
        ([rule("a", match="any", when=['order.channel == "a"', 'order.channel == "b"'])], []),
    ],
)  # fmt: skip
def test_rules_that_hardly_do_what_is_meant_are_told(
    documents: list[dict[str, Any]], told: list[str]
) -> None:
    found = [str(problem) for problem in RuleSet.load(documents).warnings]
    assert len(found) == len(told)
    for problem, expected in zip(found, told, strict=True):
        assert problem.startswith(expected)
