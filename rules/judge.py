"""How the rules of an event come out: which hold, which compete, which are cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, DecimalException
from enum import Enum, auto

from loyalty.events import Event
from loyalty.facts import MemberFacts
from rules.compiled import CompiledActions, CompiledRule
from rules.decision import Award
from rules.language import RuleRuntimeError
from rules.language.arithmetic import EXACT, Number, written
from rules.language.tree import Environment

MAX_AWARD = 1_000_000_000
"""One award never grants more: beyond it, a rule has a mistake."""


class Verdict(Enum):
    """How a rule came out for one event."""

    FIRED = auto()
    NOT_HELD = auto()
    FAILED = auto()
    NOT_IN_FORCE = auto()
    LOST = auto()
    CUT_OFF = auto()


@dataclass(slots=True)
class Outcome:
    """A rule and how it came out. `by` is the rule that won the group or ended the round."""

    rule: CompiledRule
    verdict: Verdict
    environment: Environment
    award: Award | None = None
    error: str = ""
    by: str = ""


def judge(
    rules: Sequence[CompiledRule], event: Event, member: MemberFacts, base: Environment
) -> list[Outcome]:
    """The outcome of every rule, in the order of the rules (highest priority first)."""
    outcomes: list[Outcome] = []
    first: dict[str, str] = {}
    ended_by = ""
    for rule in rules:
        document = rule.document
        if ended_by:
            outcomes.append(Outcome(rule, Verdict.CUT_OFF, base, by=ended_by))
            continue
        if (document.starts or document.ends) and not document.is_in_force(event.time):
            outcomes.append(Outcome(rule, Verdict.NOT_IN_FORCE, base))
            continue
        outcome = _judge_one(rule, member, base)
        outcomes.append(outcome)
        if outcome.verdict is not Verdict.FIRED:
            continue
        if document.group.mode == "first":
            winner = first.setdefault(document.group.name, rule.id)
            if winner != rule.id:
                _lose(outcome, winner)
                continue
        if document.stop:
            ended_by = rule.id
    _settle_by_points(outcomes)
    return outcomes


def _judge_one(rule: CompiledRule, member: MemberFacts, base: Environment) -> Outcome:
    environment = rule.environment(base)
    try:
        held = rule.holds(environment)
        verdict = Verdict.FIRED if held else Verdict.NOT_HELD
        actions = rule.then if held else rule.otherwise
        award = _award(rule, actions, member, environment) if actions.award else None
        return Outcome(rule, verdict, environment, award)
    except RuleRuntimeError as error:
        return Outcome(rule, Verdict.FAILED, environment, error=error.reason)
    except Exception as error:  # noqa: BLE001 - a defect in one rule must stop no other rule.
        return Outcome(rule, Verdict.FAILED, environment, error=defect(error))


def defect(error: Exception) -> str:
    """What to say of an error that the checks should have ruled out."""
    return f"the rule met data it was not made for ({type(error).__name__}): tell its owner"


def _award(
    rule: CompiledRule, actions: CompiledActions, member: MemberFacts, environment: Environment
) -> Award | None:
    assert actions.award is not None
    condition, points = actions.award.condition, actions.award.points
    if condition is not None and not condition.run(environment):
        return None
    wanted: Number = points.run(environment)
    try:
        product = EXACT.multiply(wanted, member.tier_factor)
    except DecimalException:
        raise RuleRuntimeError("the number of points is out of range", text=points.text) from None
    if product < 0:
        problem = f"the award would be negative ({written(wanted)} points)"
        raise RuleRuntimeError(problem, text=points.text)
    if product > MAX_AWARD:
        problem = f"the award would be more than {MAX_AWARD:,} points"
        raise RuleRuntimeError(problem, text=points.text)
    granted = int(product.to_integral_value(ROUND_FLOOR))
    if not granted:
        return None
    filled = points.filled_in(environment)
    return Award(
        rule=rule.id,
        points=granted,
        wanted=Decimal(wanted),
        arithmetic=_arithmetic(filled, wanted, member, product=product, granted=granted),
    )


def _arithmetic(
    filled: str, wanted: Number, member: MemberFacts, *, product: Decimal, granted: int
) -> str:
    """How the points came about, in words: floor(79.90) = 79, times 1.5 (gold) = 118.5 …"""
    total = written(wanted)
    told = total if filled == total else f"{filled} = {total}"
    if member.tier_factor != 1:
        tier = f" ({member.tier})" if member.tier else ""
        told += f", times {written(member.tier_factor)}{tier} = {written(product)}"
    return told if product == granted else f"{told}, rounded down to {granted}"


def _lose(outcome: Outcome, winner: str) -> None:
    outcome.verdict, outcome.award, outcome.by = Verdict.LOST, None, winner


def _settle_by_points(outcomes: list[Outcome]) -> None:
    """Of each group `highest` or `lowest`, one stays; equal points go to the earlier rule."""
    rivals: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        group = outcome.rule.document.group
        if outcome.verdict is Verdict.FIRED and group.mode in {"highest", "lowest"}:
            rivals.setdefault((group.mode, group.name), []).append(outcome)
    for (mode, _), group_outcomes in rivals.items():
        choose = max if mode == "highest" else min
        winner = choose(group_outcomes, key=lambda one: one.award.points if one.award else 0)
        for outcome in group_outcomes:
            if outcome is not winner:
                _lose(outcome, winner.rule.id)
