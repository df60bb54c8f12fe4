"""Decides what an event is worth, and what else is to be done. Pure, and the same everywhere:
live flows, tests, scenario files and simulations call these two functions."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from loyalty.eligibility import rate
from loyalty.events import Event, Frozen, Order
from loyalty.facts import MemberFacts, RatedOrder, Result
from loyalty.programme import Programme
from rules.actions import AddToAudience, SendMessage
from rules.compiled import CompiledEffect, CompiledRule
from rules.decision import Decision, Effect
from rules.explain import explain as trace_of
from rules.judge import defect, judge
from rules.language import RuleRuntimeError
from rules.language.arithmetic import plain
from rules.language.tree import Environment
from rules.ruleset import RuleSet


class Effects(Frozen):
    """What is to be done besides points, and what could not be worked out, in words."""

    effects: tuple[Effect, ...] = ()
    errors: tuple[str, ...] = ()


def decide(
    event: Event,
    member: MemberFacts,
    programme: Programme,
    rules: RuleSet,
    *,
    data: Any = None,
    explain: bool = True,
) -> Decision:
    """Which rules fire for an event and what they award.

    Args:
        event: What happened.
        member: As the books knew them before it.
        programme: The settings in force.
        rules: The rule set in force.
        data: The event's data as rules see it, where the caller has it (a `RatedOrder`).
        explain: Whether to give traces. What is decided is the same without, ten times faster.

    Never raises for what a rule says: a rule that fails does not fire, and `errors` says why.
    """
    base = _environment(event, member, programme, data)
    outcomes = judge(rules.listening(event.type), event, member, base)
    awards, fired, otherwise, errors = [], [], [], []
    for outcome in outcomes:
        if outcome.award is not None:
            awards.append(outcome.award)
        if outcome.verdict == "fired":
            fired.append(outcome.rule.id)
        elif outcome.verdict == "not held" and not outcome.rule.otherwise.is_empty:
            otherwise.append(outcome.rule.id)
        elif outcome.verdict == "failed":
            errors.append(f"{outcome.rule.id}: {outcome.error}")
    return Decision(
        version=rules.version,
        awards=tuple(awards),
        fired=tuple(fired),
        otherwise=tuple(otherwise),
        traces=tuple(trace_of(outcome) for outcome in outcomes) if explain else (),
        errors=tuple(errors),
    )


def effects(
    decision: Decision,
    event: Event,
    member: MemberFacts,
    result: Result,
    programme: Programme,
    rules: RuleSet,
    *,
    data: Any = None,
) -> Effects:
    """What the rules that fired ask for besides points, in the order of the rules.

    Args:
        decision: Made under the same rule set.
        event: What happened.
        member: As the books knew them before it.
        result: As the books know them after it.
        programme: The settings in force.
        rules: The rule set of the decision.
        data: As given to `decide`.

    Raises:
        ValueError: The decision was made under another rule set.
    """
    if decision.version != rules.version:
        raise ValueError(
            f"the decision was made under rules {decision.version}, not {rules.version}: "
            "ask for effects with the rule set that decided"
        )
    base = _environment(event, member, programme, data)
    base[-1] = result
    found: list[Effect] = []
    errors: list[str] = []
    fired, otherwise = frozenset(decision.fired), frozenset(decision.otherwise)
    for rule in rules.listening(event.type):
        if rule.id in fired:
            actions = rule.then
        elif rule.id in otherwise:
            actions = rule.otherwise
        else:
            continue
        environment = rule.environment(base)
        for effect in actions.effects:
            _work_out(rule, effect, environment, found=found, errors=errors)
    return Effects(effects=tuple(found), errors=tuple(errors))


def _environment(event: Event, member: MemberFacts, programme: Programme, data: Any) -> Environment:
    if data is None:
        data = event.data
    if isinstance(data, Order) and not isinstance(data, RatedOrder):
        data = rate(data, programme)
    return [event, member, programme, data, None]


def _work_out(
    rule: CompiledRule,
    effect: CompiledEffect,
    environment: Environment,
    *,
    found: list[Effect],
    errors: list[str],
) -> None:
    try:
        if effect.condition is None or effect.condition.run(environment):
            found.append(_effect(rule, effect, environment))
    except RuleRuntimeError as error:
        errors.append(f"{rule.id}, {effect.place}: {error.reason}")
    except Exception as error:  # noqa: BLE001 - a defect in one effect must stop no other.
        errors.append(f"{rule.id}, {effect.place}: {defect(error)}")


def _effect(rule: CompiledRule, effect: CompiledEffect, environment: Environment) -> Effect:
    body = effect.body
    return Effect(
        rule=rule.id,
        index=effect.index,
        kind=effect.kind,
        channel=body.channel.value if isinstance(body, SendMessage) else "",
        template=getattr(body, "template", ""),
        connection=body.connection,
        name=getattr(body, "name", ""),
        tags=body.tags if isinstance(body, AddToAudience) else (),
        values={name: _plain(one.run(environment)) for name, one in effect.values},
        row=tuple(_plain(cell.run(environment)) for cell in effect.row),
    )


def _plain(value: Any) -> Any:
    """The value without its model's clothes: whole numbers as int, enums and dates as text."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, Decimal)):
        return plain(value)
    if isinstance(value, str):
        return str(getattr(value, "value", value))
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return value
