"""How the rules of an event come out: which hold, which compete, which are cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from enum import Enum, auto
from functools import lru_cache

from loyalty.events import Event
from loyalty.facts import MemberFacts
from rules.compiled import CompiledActions, CompiledRule
from rules.decision import Award
from rules.language import RuleRuntimeError
from rules.language.arithmetic import EXACT, written
from rules.language.tree import Environment

MAX_AWARD = 1_000_000_000
"""One award never grants more: beyond it, a rule has a mistake."""

_BY_POINTS = frozenset({"highest", "lowest"})


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
        if ended_by:
            outcomes.append(Outcome(rule, Verdict.CUT_OFF, base, by=ended_by))
            continue
        if rule.has_window and not rule.document.is_in_force(event.time):
            outcomes.append(Outcome(rule, Verdict.NOT_IN_FORCE, base))
            continue
        outcome = _judge_one(rule, member, base)
        outcomes.append(outcome)
        if outcome.verdict is not Verdict.FIRED:
            continue
        if rule.mode == "first":
            winner = first.setdefault(rule.document.group.name, rule.id)
            if winner != rule.id:
                _lose(outcome, winner)
                continue
        if rule.stop:
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
    wanted = written(points.run(environment))
    factor = written(member.tier_factor)
    try:
        return _granted(rule.id, points.filled_in(environment), wanted, factor, member.tier)
    except _RefusedAward as refusal:
        raise RuleRuntimeError(str(refusal), text=points.text) from None


class _RefusedAward(Exception):
    """The number of points is one that no rule may award."""


@lru_cache(maxsize=4096)
def _granted(rule: str, filled: str, wanted: str, factor: str, tier: str) -> Award | None:
    """The award of so many points; most rules award the same few, so they are kept.

    Everything comes as text, because equal decimals may be written differently (1.5 and 1.50)
    and the arithmetic of an award must not depend on which of them came first.
    """
    try:
        product = EXACT.multiply(Decimal(wanted), Decimal(factor))
    except DecimalException:
        raise _RefusedAward("the number of points is out of range") from None
    if product < 0:
        raise _RefusedAward(f"the award would be negative ({wanted} points)")
    if product > MAX_AWARD:
        raise _RefusedAward(f"the award would be more than {MAX_AWARD:,} points")
    granted = int(product)  # Not negative, so cutting the decimals off rounds down.
    if not granted:
        return None
    told = wanted if filled == wanted else f"{filled} = {wanted}"
    if factor != "1":
        told += f", times {factor}{f' ({tier})' if tier else ''} = {written(product)}"
    if product != granted:
        told += f", rounded down to {granted}"
    return Award(rule=rule, points=granted, wanted=Decimal(wanted), arithmetic=told)


def _lose(outcome: Outcome, winner: str) -> None:
    outcome.verdict, outcome.award, outcome.by = Verdict.LOST, None, winner


def _settle_by_points(outcomes: list[Outcome]) -> None:
    """Of each group `highest` or `lowest`, one stays; equal points go to the earlier rule."""
    rivals: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        mode = outcome.rule.mode
        if mode in _BY_POINTS and outcome.verdict is Verdict.FIRED:
            name = outcome.rule.document.group.name
            rivals.setdefault((mode, name), []).append(outcome)
    for (mode, _), group_outcomes in rivals.items():
        choose = max if mode == "highest" else min
        winner = choose(group_outcomes, key=lambda one: one.award.points if one.award else 0)
        for outcome in group_outcomes:
            if outcome is not winner:
                _lose(outcome, winner.rule.id)
