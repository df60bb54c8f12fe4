"""What changed between two rule sets is told rule by rule, down to the place."""

from __future__ import annotations

from typing import Any

from rules import RuleSet
from rules.diffing import RuleSetDiff, diff


def rule(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": name,
        "description": f"The rule {name}.",
        "on": ["order.paid"],
        "when": ["order.total >= 50", "member.orders_count > 0"],
        "then": [{"award": {"points": "10"}}],
        **changes,
    }


def changed(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> RuleSetDiff:
    return diff(RuleSet.load(before), RuleSet.load(after))


def test_nothing_changed() -> None:
    found = changed([rule("a"), rule("b")], [rule("b"), rule("a")])
    assert found.is_empty
    assert found.unchanged == 2
    assert found.lines() == ["Nothing changed."]


def test_rules_that_are_new_and_gone() -> None:
    found = changed([rule("a"), rule("b")], [rule("b"), rule("c", description="")])
    assert [(one.rule, one.kind) for one in found.rules] == [("a", "removed"), ("c", "added")]
    assert found.lines() == ["- a is gone: The rule a.", "+ c is new: on order.paid"]


def test_a_change_is_told_by_its_place_and_both_sides() -> None:
    after = rule("a", when=["order.total >= 60", "member.orders_count > 0"], priority=5)
    (one,) = changed([rule("a")], [after]).rules
    told = {field.place: (field.before, field.after) for field in one.fields}
    assert told["when[0]"] == ("order.total >= 50", "order.total >= 60")
    assert told["priority"] == (None, 5)
    assert one.fields[0].says == "when[0]: was `order.total >= 50`, is `order.total >= 60`"


def test_a_clause_put_in_between_is_one_change_and_not_three() -> None:
    after = rule("a", when=["order.total >= 50", "order.tip == 0", "member.orders_count > 0"])
    (one,) = changed([rule("a")], [after]).rules
    assert [field.says for field in one.fields] == ["when[1]: new, `order.tip == 0`"]


def test_another_order_of_the_same_clauses_is_said_as_such() -> None:
    after = rule("a", when=["member.orders_count > 0", "order.total >= 50"])
    (one,) = changed([rule("a")], [after]).rules
    assert [field.says for field in one.fields] == ["when: the same, in another order"]


def test_the_award_is_told_to_the_number() -> None:
    (one,) = changed([rule("a")], [rule("a", then=[{"award": {"points": "25"}}])]).rules
    assert [field.says for field in one.fields] == ["then[0].award.points: was `10`, is `25`"]


def test_the_way_back_is_the_mirror_image() -> None:
    one, other = [rule("a"), rule("b")], [rule("a", stop=True), rule("c")]
    there, back = changed(one, other), changed(other, one)
    assert (there.before, there.after) == (back.after, back.before)
    assert {(c.rule, c.kind) for c in back.rules} == {
        ("a", "changed"), ("b", "added"), ("c", "removed"),
    }  # fmt: skip


def test_it_goes_through_json_and_back() -> None:
    found = changed([rule("a")], [rule("a", stop=True)])
    assert RuleSetDiff.model_validate_json(found.model_dump_json()) == found
