"""What rules ask for besides points, once the books are written."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from rules import Effects, RuleSet, decide, effects
from rules.decision import EffectKind
from tests.rules.samples import MEMBER, OVERFLOW, PROGRAMME, RESULT, SATURDAY_NIGHT, event_of


def rule(name: str, *actions: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A rule with these actions."""
    return {"id": name, "on": "order.paid", "then": list(actions), **more}


def asked_for(*documents: dict[str, Any], member: Any = MEMBER) -> Effects:
    """The effects of the sample order."""
    rules = RuleSet.load(documents)
    decision = decide(event_of(), member, PROGRAMME, rules, explain=False)
    return effects(decision, event_of(), member, RESULT, PROGRAMME, rules)


def track(name: str = "Seen", **values: Any) -> dict[str, Any]:
    """An action that costs nothing to look at."""
    return {"track_event": {"name": name, "values": values}}


def test_each_kind_of_action_becomes_its_effect() -> None:
    found = asked_for(
        rule(
            "all",
            {
                "send_message": {
                    "channel": "sms",
                    "template": "hi",
                    "values": {"a": "result.points"},
                }
            },
            {"award": {"points": 5}},
            {"upsert_contact": {"connection": "hubspot/main", "values": {"tier": "result.tier"}}},
            {
                "add_to_audience": {
                    "tags": ["loyalty", "tea"],
                    "values": {"NAME": "member.first_name"},
                }
            },
            {"track_event": {"name": "Points Earned", "values": {"total": "order.total"}}},
            {"post_to_chat": {"template": "hello", "values": {}}},
            {"append_row": {"values": ["event.time", "order.id", "result.balance"]}},
            {"call_webhook": {"name": "loyalty.order", "values": {"big": "order.total > 50"}}},
        )
    )
    assert found.errors == ()
    assert [(one.index, one.kind) for one in found.effects] == [
        (0, EffectKind.SEND_MESSAGE),
        (2, EffectKind.UPSERT_CONTACT),
        (3, EffectKind.ADD_TO_AUDIENCE),
        (4, EffectKind.TRACK_EVENT),
        (5, EffectKind.POST_TO_CHAT),
        (6, EffectKind.APPEND_ROW),
        (7, EffectKind.CALL_WEBHOOK),
    ]
    message, contact, audience, tracked, chat, row, webhook = found.effects
    assert (message.channel, message.template, message.values) == ("sms", "hi", {"a": 79})
    assert (contact.connection, contact.values) == ("hubspot/main", {"tier": "gold"})
    assert (audience.tags, audience.values) == (("loyalty", "tea"), {"NAME": "Ada"})
    assert (tracked.name, tracked.values) == ("Points Earned", {"total": Decimal("79.90")})
    assert chat.template == "hello"
    assert row.row == (SATURDAY_NIGHT, "1001", 591)
    assert (webhook.name, webhook.values) == ("loyalty.order", {"big": True})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("floor(order.total)", 79),
        ("order.total * 100", Decimal("7990.00")),
        ("order.total - order.total", Decimal("0.00")),
        ("count(order.lines)", 2),
        ("member.email", None),
        ("member.is_enrolled", True),
        ("event.type", "order.paid"),
        ("event.time", SATURDAY_NIGHT),
        ("member.birthday", "1990-05-05"),
        ("(order.total - order.total) * -1", Decimal("0.00")),
    ],
)
def test_values_come_plain(text: str, value: Any) -> None:
    member = MEMBER.model_copy(update={"birthday": date(1990, 5, 5)})
    [effect] = asked_for(rule("a", track(x=text)), member=member).effects
    found = effect.values["x"]
    assert found == value
    assert type(found) is type(value)
    assert str(found) == str(value)


def test_an_action_with_a_condition_of_its_own_is_left_out_where_it_does_not_hold() -> None:
    found = asked_for(
        rule(
            "a",
            {"track_event": {"name": "None", "if": "result.points == 0"}},
            {"track_event": {"name": "Some", "if": "result.points > 0"}},
        )
    )
    assert [one.name for one in found.effects] == ["Some"]


def test_values_may_rely_on_the_conditions_before_them() -> None:
    action = {
        "track_event": {
            "name": "Seen",
            "if": "member.phone is not None",
            "values": {"a": "lower(member.email)", "b": "lower(member.phone)"},
        }
    }
    document = rule("a", action, when=["member.email is not None"])
    member = MEMBER.model_copy(update={"email": "A@B.C", "phone": "+49"})
    assert asked_for(document, member=member).effects[0].values == {"a": "a@b.c", "b": "+49"}
    assert asked_for(document).effects == ()


def test_effects_come_in_the_order_of_the_rules() -> None:
    found = asked_for(
        rule("b", track("second")),
        rule("a", track("first")),
        rule("z", track("zeroth"), priority=1),
    )
    assert [one.name for one in found.effects] == ["zeroth", "first", "second"]


def test_otherwise_is_done_when_the_conditions_do_not_hold_and_counts_on() -> None:
    found = asked_for(
        rule("a", track("yes"), when=["False"], otherwise=[track("no"), track("no again")]),
        rule("b", track("yes"), when=["True"], otherwise=[track("no")]),
    )
    assert [(one.rule, one.index, one.name) for one in found.effects] == [
        ("a", 1, "no"),
        ("a", 2, "no again"),
        ("b", 0, "yes"),
    ]


def test_an_effect_that_fails_is_left_out_and_told_and_the_others_are_done() -> None:
    found = asked_for(
        rule("a", track(x=OVERFLOW), track("fine")),
        rule(
            "b", {"track_event": {"name": "x", "if": f"{OVERFLOW} > result.points"}}, track("too")
        ),
    )
    assert [one.name for one in found.effects] == ["fine", "too"]
    assert [error.split(": ")[0] for error in found.errors] == [
        "a, then[0].track_event",
        "b, then[0].track_event",
    ]
    assert "the number is out of range (in `" in found.errors[0]


def test_a_rule_that_failed_asks_for_nothing() -> None:
    found = asked_for(rule("a", {"award": {"points": "-5"}}, track(), otherwise=[track()]))
    assert found == Effects()


def test_named_values_are_there_too() -> None:
    [effect] = asked_for(rule("a", track(x="tea + result.points"), let={"tea": "10"})).effects
    assert effect.values == {"x": 89}


def test_a_decision_of_other_rules_is_refused() -> None:
    rules, others = RuleSet.load([rule("a", track())]), RuleSet.load([rule("b", track())])
    decision = decide(event_of(), MEMBER, PROGRAMME, rules)
    with pytest.raises(ValueError, match="ask for effects with the rule set that decided"):
        effects(decision, event_of(), MEMBER, RESULT, PROGRAMME, others)
