"""Runs the examples that rules carry: a rule whose own examples fail is not published."""

from __future__ import annotations

from dataclasses import dataclass

from loyalty.facts import Result
from rules.decide import decide, effects
from rules.document import RuleDocument
from rules.examples import case_of
from rules.expectations import Example
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
    """Every example that fails. Each rule is tried alone, switched on, without its rivals."""
    failures: list[ExampleFailure] = []
    for rule in rules.rules:
        alone = RuleSet.load([rule.model_copy(update={"enabled": True})])
        for at, example in enumerate(rule.examples):
            for expected, actual in _differences(rule, example, alone):
                failures.append(ExampleFailure(rule.id, at, example.says, expected, actual))
    return tuple(failures)


def _differences(rule: RuleDocument, example: Example, alone: RuleSet) -> list[tuple[str, str]]:
    case = case_of(rule, example)
    decision = decide(case.event, case.member, case.programme, alone, explain=False)
    tier = case.programme.tier_at(case.member.lifetime_points + decision.points)
    result = Result(
        points=decision.points,
        balance=case.member.points + decision.points,
        lifetime_points=case.member.lifetime_points + decision.points,
        tier=tier.name if tier else case.member.tier,
    )
    planned = effects(decision, case.event, case.member, result, case.programme, alone)
    kinds = tuple(effect.kind.value for effect in planned.effects)
    errors = (*decision.errors, *planned.errors)
    expect = example.expect
    wanted_kinds = None if expect.effects is None else tuple(kind.value for kind in expect.effects)
    pairs = (
        ("fires", expect.fires, bool(decision.fired)),
        ("points", expect.points, decision.points),
        ("effects", wanted_kinds, kinds),
        ("errors", None if expect.fails else (), errors),
        ("fails", expect.fails or None, bool(errors)),
    )
    return [
        (f"{name} {_shown(wanted)}", _shown(actual))
        for name, wanted, actual in pairs
        if wanted is not None and wanted != actual
    ]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)
