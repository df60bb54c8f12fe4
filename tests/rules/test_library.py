"""The shipped rules keep their own word, and the texts they name exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loyalty.events import EventType
from loyalty.facts import Result
from loyalty.texts import Texts
from rules import RuleDocument, RuleSet, decide, effects
from rules.rehearsal import run_examples
from rules.shipped import shipped_paths, shipped_rules, shipped_templates
from rules.subjects import data_name
from rules.templates import Template, TemplateError, missing_templates, read_templates
from tests.rules.samples import MEMBER, PROGRAMME, event_of

SHIPPED = {
    "anniversary-bonus", "milestone-reward", "minimum-purchase", "order-news", "payment-points",
    "points-per-currency", "sign-up-bonus", "starter-kit-bonus", "welcome",
}  # fmt: skip
BY_ID = {rule.id: rule for rule in shipped_rules().rules}


def test_the_shipped_rules_are_these() -> None:
    assert set(BY_ID) == SHIPPED


@pytest.mark.parametrize("path", shipped_paths(), ids=lambda path: path.stem)
def test_a_shipped_rule_is_complete_and_its_examples_hold(path: Path) -> None:
    rules = RuleSet.from_yaml(path)
    [rule] = rules.rules
    assert rule.id == path.stem
    assert rule.description.endswith(".")
    assert rule.owner
    assert rule.examples
    assert run_examples(rules) == ()


def test_an_example_that_does_not_hold_is_told() -> None:
    rule = BY_ID["sign-up-bonus"].model_dump(mode="json", by_alias=True, exclude_defaults=True)
    rule["examples"][0]["expect"] = {"fires": False, "points": 60, "effects": ["track_event"]}
    assert [str(failure) for failure in run_examples(RuleSet.load([rule]))] == [
        "sign-up-bonus, examples[0]: expected fires no, but it is yes",
        "sign-up-bonus, examples[0]: expected points 60, but it is 50",
        "sign-up-bonus, examples[0]: expected effects [track_event], but it is []",
    ]


def test_an_example_that_fails_unexpectedly_is_told() -> None:
    example: dict[str, Any] = {"event": {"type": "customer.created", "data": {}}, "expect": {}}
    rule = {
        "id": "a", "on": "customer.created", "examples": [example],
        "then": [{"award": {"points": "-5"}}],
    }  # fmt: skip
    [failure] = run_examples(RuleSet.load([rule]))
    assert "the award would be negative (-5 points)" in str(failure)
    example["expect"] = {"fails": True, "fires": False}
    assert run_examples(RuleSet.load([rule])) == ()


def test_a_disabled_rule_is_rehearsed_all_the_same() -> None:
    rule: RuleDocument = BY_ID["sign-up-bonus"].model_copy(update={"enabled": False})
    assert run_examples(RuleSet.load([rule])) == ()


def test_every_text_that_a_shipped_rule_names_exists() -> None:
    assert missing_templates(shipped_rules(), shipped_templates()) == ()


def test_a_text_that_does_not_exist_is_told() -> None:
    templates = {**shipped_templates(), "welcome": Template(sms="hello")}
    [problem] = missing_templates(shipped_rules(), templates)
    assert str(problem) == (
        "welcome, then[0]: there is no email text `welcome`: add it to the templates"
    )


def test_every_shipped_text_can_be_filled_in() -> None:
    texts = Texts({name: one.plain() for name, one in shipped_templates().items()})
    result = Result(points=150, balance=662, lifetime_points=662, tier="gold")
    rendered = {}
    for rule in shipped_rules().rules:
        example = rule.examples[0]
        data = None if example.event.type is EventType.ORDER_PAID else example.event.data
        event = event_of(example.event.type, data)
        alone = RuleSet.load([rule])
        decision = decide(event, MEMBER, PROGRAMME, alone)
        planned = effects(decision, event, MEMBER, result, PROGRAMME, alone)
        for effect in planned.effects:
            if effect.template:
                context = {
                    "event": event, data_name(event.type): event.data, "member": MEMBER,
                    "result": result, "programme": PROGRAMME, "values": effect.values,
                }  # fmt: skip
                channel = effect.channel or "chat"
                rendered[effect.template, channel] = texts.render(effect.template, channel, context)
    assert rendered["points_earned", "sms"]["text"] == (
        "Hi Ada, you earned 150 points with order 1001. Your balance is 662. Tea Club. "
        "Reply STOP to opt out."
    )
    assert rendered["anniversary", "email"]["subject"] == "3 years with Tea Club"
    assert set(rendered) == {
        ("anniversary", "email"), ("milestone", "sms"), ("milestone", "chat"),
        ("points_earned", "sms"), ("welcome", "email"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "hello: {sms: hi, mail: x}",
            "hello.mail: there is no key `mail` here. Did you mean `email`?",
        ),
        ("hello: {email: {text: x}}", "hello.email.subject: the key `subject` is missing"),
        ("hello: {sms: hi}\nhello: {sms: ho}", "given twice"),
        ("Hello There: {sms: hi}", "Hello There"),
    ],
)
def test_templates_with_a_mistake_are_refused(text: str, problem: str) -> None:
    with pytest.raises(TemplateError, match=problem):
        read_templates(text)


def test_a_large_order_is_counted_and_told_to_everyone() -> None:
    """All shipped order rules together, as a shop runs them."""
    order = event_of().data.model_copy(
        update={"total": 4 * event_of().data.total, "lines": event_of().data.lines * 4}
    )
    event = event_of(data=order)
    rules = shipped_rules()
    decision = decide(event, MEMBER, PROGRAMME, rules)
    assert {award.rule: award.points for award in decision.awards} == {
        "minimum-purchase": 50,
        "points-per-currency": 319,
        "starter-kit-bonus": 100,
    }
    result = Result(points=469, balance=981, lifetime_points=981, tier="gold")
    planned = effects(decision, event, MEMBER, result, PROGRAMME, rules)
    assert [effect.kind.value for effect in planned.effects] == [
        "send_message", "upsert_contact", "post_to_chat", "append_row", "track_event",
    ]  # fmt: skip
    assert planned.effects[1].values == {"loyalty_points": 981, "loyalty_tier": "gold"}
    assert planned.effects[3].row == (event.time, "", "m1", 469, 981)
