"""Documents with mistakes: each is named with its place, and all of them at once."""

from __future__ import annotations

from typing import Any

import pytest

from rules import RuleSet, RuleSetError

GOOD: dict[str, Any] = {
    "id": "bonus",
    "on": "order.paid",
    "when": ["order.total >= 50"],
    "then": [{"award": {"points": 10}}],
}


def problems(*documents: dict[str, Any]) -> list[str]:
    """What the rule set is refused for."""
    with pytest.raises(RuleSetError) as caught:
        RuleSet.load(documents)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"wehn": []}, "bonus, wehn: there is no key `wehn` here. Did you mean `when`?"),
        ({"on": "order.payed"}, "bonus, on[0]: `order.payed` is not one of"),
        ({"on": "order.payed"}, "Did you mean `order.paid`?"),
        ({"on": []}, "bonus, on: "),
        ({"on": None}, "bonus, on: "),
        ({"id": "Bonus 1"}, "Bonus 1, id: `Bonus 1` is not written as it must be"),
        ({"id": 5}, "rule 1, id: "),
        ({"match": "some"}, "bonus, match: `some` is not one of 'all' or 'any'"),
        ({"then": []}, "bonus: the rule does nothing"),
        (
            {"then": [{"awrd": {"points": 1}}]},
            "then[0].awrd: there is no key `awrd` here. Did you mean `award`?",
        ),
        (
            {"then": [{"award": {"point": 1}}]},
            "then[0].award.point: there is no key `point` here. Did you mean `points`?",
        ),
        ({"then": [{"award": {"point": 1}}]}, "then[0].award.points: the key `points` is missing"),
        (
            {"then": [{"award": {"points": 1}, "track_event": {"name": "x"}}]},
            "an action is one of earn, award",
        ),
        ({"then": [{}]}, "an action is one of earn, award"),
        ({"then": ["award"]}, "bonus, then[0]"),
        ({"then": [{"award": {"points": 1}}, {"award": {"points": 2}}]}, "`then` awards twice"),
        (
            {"then": [{"send_message": {"channel": "fax", "template": "x"}}]},
            "then[0].send_message.channel: `fax` is not one of 'email', 'sms' or 'auto'",
        ),
        (
            {"then": [{"send_message": {"channel": "sms", "template": "Not a name"}}]},
            "then[0].send_message.template",
        ),
        (
            {"then": [{"send_message": {"channel": "sms", "tmplate": "x"}}]},
            "Did you mean `template`?",
        ),
        (
            {"then": [{"call_webhook": {"connection": "no slash", "name": "x"}}]},
            "then[0].call_webhook.connection",
        ),
        ({"then": [{"append_row": {"values": []}}]}, "then[0].append_row.values"),
        ({"group": "fist"}, "bonus, group.mode: `fist` is not one of"),
        ({"group": {"mode": "first", "nam": "x"}}, "Did you mean `name`?"),
        ({"group": "highest", "stop": True}, "`stop` does not go with group highest"),
        ({"starts": "2026-01-01T00:00:00"}, "bonus, starts: "),
        ({"starts": "2026-01-02T00:00:00Z", "ends": "2026-01-02T00:00:00Z"}, "never in force"),
        ({"priority": 1001}, "bonus, priority: "),
        ({"let": {"order": "1"}}, "`order` already means something"),
        ({"let": {"floor": "1"}}, "`floor` already means something"),
        ({"let": {"payment": "1"}}, "`payment` already means something"),
        ({"let": {"not": "1"}}, "`not` already means something"),
        ({"let": {"__x": "1"}}, "bonus, let.__x"),
        ({"let": {f"x{n}": "1" for n in range(21)}}, "bonus, let: "),
        ({"when": ["True"] * 21}, "bonus, when: "),
        ({"when": [{"field": "order.total", "op": ">=", "valeu": 5}]}, "Did you mean `value`?"),
        ({"when": [{"field": "order.total", "op": "=>", "value": 5}]}, "`=>` is not one of"),
        (
            {"when": ["order.totl > 5"]},
            "bonus, when[0]: `order` has no field `totl`. Did you mean `total`?",
        ),
        ({"when": ["order.total"]}, "bonus, when[0]: A condition is needed here"),
        ({"then": [{"award": {"points": "order.id"}}]}, "then[0].award.points: A number is needed"),
        (
            {"then": [{"award": {"points": "result.points"}}]},
            "then[0].award.points: There is no `result`",
        ),
        (
            {
                "then": [
                    {
                        "track_event": {
                            "name": "x",
                            "if": "order.total",
                            "values": {"a": "order.lines"},
                        }
                    }
                ]
            },
            "then[0].track_event.if: A condition is needed",
        ),
        (
            {
                "then": [
                    {
                        "track_event": {
                            "name": "x",
                            "if": "order.total",
                            "values": {"a": "order.lines"},
                        }
                    }
                ]
            },
            "then[0].track_event.values.a: A text, number",
        ),
        (
            {"then": [{"append_row": {"values": ["1", "member.tags"]}}]},
            "then[0].append_row.values.1: ",
        ),
        (
            {"otherwise": [{"award": {"points": "nothing"}}]},
            "otherwise[0].award.points: There is no `nothing`",
        ),
        (
            {"let": {"a": "b", "b": "a"}},
            "let.b: The named values need each other in a circle: a -> b -> a",
        ),
        ({"let": {"a": "order.totl"}, "when": ["a > 1"]}, "let.a: `order` has no field `totl`"),
        (
            {"on": ["order.paid", "payment.completed"]},
            "when[0]: There is no `order` in a rule for payment.completed",
        ),
        (
            {
                "examples": [
                    {"event": {"type": "order.paid", "data": {"id": "1", "totl": 5}}, "expect": {}}
                ]
            },
            "examples[0].event.data.totl: there is no key `totl` here. Did you mean `total`?",
        ),
        (
            {"examples": [{"event": {"type": "order.paid", "data": {}}, "expct": {}}]},
            "examples[0].expct: there is no key `expct` here. Did you mean `expect`?",
        ),
        (
            {"examples": [{"event": {"type": "order.paid", "data": {}}, "expect": {"point": 1}}]},
            "Did you mean `points`?",
        ),
        (
            {"examples": [{"event": {"type": "sms.received", "data": {}}, "expect": {}}]},
            "does not listen to sms.received",
        ),
        (
            {
                "examples": [
                    {
                        "event": {"type": "order.paid", "data": {}},
                        "member": {"tir": "x"},
                        "expect": {},
                    }
                ]
            },
            "examples[0].member.tir: there is no key `tir` here. Did you mean `tier`?",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(change: dict[str, Any], told: str) -> None:
    assert told in "\n".join(problems({**GOOD, **change}))


def test_every_mistake_of_every_rule_is_told_at_once() -> None:
    found = problems(
        {**GOOD, "when": ["order.totl > 1", "order.id > 2"], "then": [{"award": {"points": "x"}}]},
        {**GOOD, "id": "other", "colour": "red"},
        {**GOOD, "id": "third", "let": {"a": "1 / 0"}, "when": ["a > 1", "b > 1"]},
    )
    assert [problem.split(":")[0] for problem in found] == [
        "other, colour",
        "bonus, when[0]",
        "bonus, when[1]",
        "bonus, then[0].award.points",
        "third, let.a",
        "third, when[1]",
    ]


def test_a_mistake_is_told_once_for_a_rule_of_several_events() -> None:
    found = problems(
        {**GOOD, "on": ["order.paid", "order.edited"], "when": ["member.emale is None"]}
    )
    assert len(found) == 1


def test_what_is_not_a_mapping_is_refused() -> None:
    assert problems("order.total > 5", None, [GOOD])[0].startswith("rule 1: ")  # type: ignore[arg-type]


def test_a_document_may_be_written_short() -> None:
    [long] = RuleSet.load(
        [{**GOOD, "group": {"mode": "first"}, "on": ["order.paid"], "when": ["order.total >= 50"]}]
    ).documents()
    [short] = RuleSet.load(
        [{**GOOD, "group": "first", "when": {"field": "order.total", "op": ">=", "value": 50}}]
    ).documents()
    assert short == long


def test_numbers_and_yes_or_no_are_expressions_too() -> None:
    rules = RuleSet.load(
        [{**GOOD, "when": [True], "then": [{"award": {"points": 2.5}}], "otherwise": []}]
    )
    [document] = rules.documents()
    assert document["when"] == ["True"]
    assert document["then"] == [{"award": {"points": "2.5"}}]
