"""Runs the examples that rules carry: a rule whose own examples fail is not published."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from loyalty.facts import Result
from rules.decide import decide, effects
from rules.decision import AppliedLimit, Decision
from rules.document import RuleDocument
from rules.examples import Case, case_of
from rules.expectations import Example, Used
from rules.language.arithmetic import written
from rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class ExampleFailure:
    """An example that came out otherwise than its author says."""

    rule: str
    example: int
    says: str
    expected: str
    actual: str

    def __str__(self) -> str:
        told = f" ({self.says})" if self.says else ""
        return (
            f"{self.rule}, examples[{self.example}]{told}: "
            f"expected {self.expected}, but it is {self.actual}"
        )


def run_examples(rules: RuleSet) -> tuple[ExampleFailure, ...]:
    """Every example that fails. Each rule is tried without its rivals, switched on; beside a
    plain earning where the example says so."""
    failures: list[ExampleFailure] = []
    for rule in rules.rules:
        sets: dict[str, RuleSet] = {}
        for at, example in enumerate(rule.examples):
            key = example.beside.model_dump_json() if example.beside else ""
            if key not in sets:
                sets[key] = _alone(rule, example)
            for expected, actual in _differences(rule, example, sets[key]):
                failures.append(ExampleFailure(rule.id, at, example.says, expected, actual))
    return tuple(failures)


def _alone(rule: RuleDocument, example: Example) -> RuleSet:
    found = [rule.model_copy(update={"enabled": True})]
    if example.beside is not None:
        earn = example.beside.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        name = f"beside-{rule.id}"[:64].rstrip("-")
        document = {"id": name, "on": [example.event.type], "then": [{"earn": earn}]}
        found.append(RuleDocument.model_validate(document))
    return RuleSet.load(found)


def _differences(rule: RuleDocument, example: Example, alone: RuleSet) -> list[tuple[str, str]]:
    case = case_of(rule, example)
    decision = decide(case.event, case.member, case.programme, alone, explain=False)
    points, barred = _granted(decision, example.used)
    planned = effects(
        decision,
        case.event,
        case.member,
        _result(case, decision, points),
        case.programme,
        alone,
        barred=barred,
    )
    kinds = tuple(effect.kind.value for effect in planned.effects)
    errors = (*decision.errors, *planned.errors)
    expect = example.expect
    wanted_kinds = None if expect.effects is None else tuple(kind.value for kind in expect.effects)
    tier = decision.set_tier.tier if decision.set_tier else ""
    pairs = (
        ("fires", expect.fires, rule.id in decision.fired),
        ("points", expect.points, Decimal(points).scaleb(-case.programme.unit_scale)),
        ("wanted", expect.wanted, sum((one.wanted for one in decision.awards), Decimal(0))),
        ("tier", expect.tier, tier),
        ("effects", wanted_kinds, kinds),
        ("errors", None if expect.fails else (), errors),
        ("fails", expect.fails or None, bool(errors)),
    )
    return [
        (f"{name} {_shown(wanted)}", _shown(actual))
        for name, wanted, actual in pairs
        if wanted is not None and wanted != actual
    ]


def _granted(decision: Decision, used: Used) -> tuple[int, frozenset[str]]:
    """The points after limits of which so much is used, and the rules left with nothing."""
    points, barred = 0, set()
    for award in decision.awards:
        granted = award.points
        for limit in award.limits:
            granted = min(granted, _room(limit, award.points, used))
        points += granted
        if award.points > 0 and granted == 0:
            barred.add(award.rule)
    for use in decision.uses:
        if any(used.times >= limit.amount for limit in use.limits):
            barred.add(use.rule)
    return points, frozenset(barred)


def _room(limit: AppliedLimit, wanted: int, used: Used) -> int:
    if limit.kind == "times":
        return wanted if used.times < limit.amount else 0
    left = max(limit.amount - int(used.points), 0)
    return 0 if left < wanted and limit.on_short == "skip" else left


def _result(case: Case, decision: Decision, points: int) -> Result:
    member = case.member
    return Result(
        points=points,
        balance=member.points + points,
        lifetime_points=member.lifetime_points + points,
        tier=decision.set_tier.tier if decision.set_tier else member.tier,
    )


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return written(value)
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)
