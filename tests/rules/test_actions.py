"""Rewards, rows, campaigns, tickets, customers and events that rules ask for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from loyalty.facts import Result
from rules import Effects, RuleSet, RuleSetError, decide, effects
from rules.decision import EffectKind, RewardKind, RewardOffer
from tests.rules.samples import MEMBER, PROGRAMME, event_of


def planned(*actions: dict[str, Any]) -> Effects:
    """What comes of these actions for the sample order."""
    rules = RuleSet.load([{"id": "a", "on": "order.paid", "then": list(actions)}])
    decision = decide(event_of(), MEMBER, PROGRAMME, rules)
    result = Result(points=79, balance=591)
    return effects(decision, event_of(), MEMBER, result, PROGRAMME, rules)


def test_a_reward_is_worked_out() -> None:
    reward = {
        "kind": "discount", "name": "Thanks", "value": "floor(order.total * 0.1)",
        "code_prefix": "TEA-", "valid_days": 30, "values": {"order": "order.id"},
    }  # fmt: skip
    [effect] = planned({"issue_reward": reward}).effects
    assert (effect.kind, effect.name, effect.values) == (
        EffectKind.ISSUE_REWARD, "Thanks", {"order": "1001"},
    )  # fmt: skip
    assert effect.reward == RewardOffer(
        kind=RewardKind.DISCOUNT, value=Decimal(7), code_prefix="TEA-", valid_days=30
    )


def test_a_reward_that_is_worth_less_than_nothing_is_told_and_stops_no_other() -> None:
    found = planned(
        {"issue_reward": {"kind": "gift_card", "value": "order.tip - 5"}},
        {"issue_reward": {"kind": "free_shipping"}},
    )
    assert [effect.index for effect in found.effects] == [1]
    assert "the reward would be worth -5" in found.errors[0]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (
            {
                "update_row": {
                    "column": "Member",
                    "key": "member.id",
                    "values": {"P": "result.balance"},
                }
            },
            {"key_column": "Member", "key": "m1", "values": {"P": 591}},
        ),
        (
            {"join_campaign": {"campaign": "Winter", "connection": "klaviyo/main"}},
            {"name": "Winter", "connection": "klaviyo/main"},
        ),
        (
            {"create_ticket": {"template": "large_order", "queue": "vip", "tags": ["big"]}},
            {"template": "large_order", "name": "vip", "tags": ("big",)},
        ),
        ({"update_customer": {"tags": ["gold"]}}, {"tags": ("gold",)}),
        (
            {"emit_event": {"name": "big.order", "values": {"total": "order.total"}}},
            {"name": "big.order", "values": {"total": Decimal("79.90")}},
        ),
    ],
)  # fmt: skip
def test_other_actions_are_worked_out(action: dict[str, Any], expected: dict[str, Any]) -> None:
    found = planned(action)
    assert found.errors == ()
    [effect] = found.effects
    assert effect.kind.value in action
    assert {name: getattr(effect, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("action", "problem"),
    [
        ({"issue_reward": {"kind": "gift_card"}}, "needs a `value`"),
        ({"issue_reward": {"kind": "product"}}, "needs a `product`"),
        ({"issue_reward": {"kind": "custom", "percent": True}}, "only a discount"),
        ({"issue_reward": {"kind": "cash"}}, "`cash` is not one of"),
        ({"update_row": {"column": "A", "key": "member.email", "values": {}}}, "values"),
        ({"emit_event": {"name": "Big Order"}}, "not written as it must be"),
    ],
)
def test_mistakes_are_told(action: dict[str, Any], problem: str) -> None:
    with pytest.raises(RuleSetError) as caught:
        RuleSet.load([{"id": "a", "on": "order.paid", "then": [action]}])
    assert problem in str(caught.value)
