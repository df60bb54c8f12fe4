"""Rules before they go live: what forbids it, what is doubtful, and who has to agree."""

from __future__ import annotations

from typing import Any

import pytest

from loyalty.programme import Programme
from rules import RuleSet
from rules.review import review
from rules.shipped import shipped_rules, shipped_templates


def rule(name: str, points: str = "10", **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "on": ["order.paid"],
        "then": [{"award": {"points": points, "flat": True}}],
        **more,
    }


def test_the_shipped_rules_are_sound() -> None:
    found = review(shipped_rules(), None, Programme(), templates=shipped_templates())
    assert found.is_sound
    assert found.needs == ()
    assert found.examples > 9


@pytest.mark.parametrize("points", ["1000001", "-5"])
def test_points_that_look_like_a_slip_need_a_second_person(points: str) -> None:
    found = review(RuleSet.load([rule("slip", points)]), None, Programme())
    (need,) = found.needs
    assert need.startswith("slip, then[0].award.points: it awards")


def test_what_is_in_force_already_was_agreed_to() -> None:
    before = RuleSet.load([rule("huge", "2000000")])
    after = RuleSet.load([rule("huge", "2000000"), rule("small")])
    assert review(after, before, Programme()).needs == ()
    raised = RuleSet.load([rule("huge", "3000000")])
    assert len(review(raised, before, Programme()).needs) == 1
    assert review(RuleSet.load([]), before, Programme()).needs == ()


def test_the_programme_may_ask_for_a_second_person_at_every_change() -> None:
    programme = Programme(approvals=True)
    before, after = RuleSet.load([rule("a")]), RuleSet.load([rule("a"), rule("b")])
    assert len(review(after, before, programme).needs) == 1
    assert review(before, before, programme).needs == ()


def test_examples_that_fail_and_texts_that_are_missing_forbid_it() -> None:
    example = {
        "event": {"type": "order.paid", "data": {"id": "1", "currency": "EUR", "total": "5"}},
        "expect": {"points": 11},
    }
    send = {"send_message": {"channel": "sms", "template": "nowhere"}}
    rules = RuleSet.load([rule("wrong", examples=[example]), rule("mute", then=[send])])
    found = review(rules, None, Programme(), templates=shipped_templates())
    assert not found.is_sound
    assert {(one.rule, one.place) for one in found.problems} >= {("wrong", "examples[0]")}
    assert any(one.rule == "mute" for one in found.problems)


def test_what_never_fires_is_a_warning() -> None:
    found = review(RuleSet.load([rule("never", when=["False"])]), None, Programme())
    assert [one.rule for one in found.warnings] == ["never"]
    assert found.is_sound
