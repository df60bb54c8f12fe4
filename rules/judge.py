"""How the rules of an event come out: which hold, which compete, which are cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from functools import lru_cache
from typing import Literal

from loyalty.events import Event
from loyalty.facts import MemberFacts
from rules.compiled import CompiledActions, CompiledRule
from rules.decision import Award
from rules.language import RuleRuntimeError
from rules.language.arithmetic import EXACT, Number, written
from rules.language.tree import Environment

MAX_AWARD = 1_000_000_000
"""One award never grants more: beyond it, a rule has a mistake."""

_BY_POINTS = frozenset({"highest", "lowest"})


Verdict = Literal["fired", "not held", "failed", "not in force", "lost", "cut off"]
"""How a rule came out for one event."""


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
            outcomes.append(Outcome(rule, "cut off", base, by=ended_by))
            continue
        if rule.has_window and not rule.document.is_in_force(event.time):
            outcomes.append(Outcome(rule, "not in force", base))
            continue
        outcome = _judge_one(rule, member, base)
        outcomes.append(outcome)
        if outcome.verdict != "fired":
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
        verdict: Verdict = "fired" if held else "not held"
        actions = rule.then if held else rule.otherwise
        award = _award(rule, actions, member, environment) if actions.award else None
        return Outcome(rule, verdict, environment, award)
    except RuleRuntimeError as error:
        return Outcome(rule, "failed", environment, error=error.reason)
    except Exception as error:  # noqa: BLE001 - a defect in one rule must stop no other rule.
        return Outcome(rule, "failed", environment, error=defect(error))


def defect(error: Exception) -> str:
    """What to say of an error that the checks should have ruled out."""
    return f"the rule met data it was not made for ({type(error).__name__}): tell its owner"


def _award(
    rule: CompiledRule, actions: CompiledActions, member: MemberFacts, environment: Environment
) -> Award | None:
    award = actions.award
    assert award is not None
    if award.condition is not None and not award.condition.run(environment):
        return None
    if award.fixed:
        return _fixed(rule.id, award.fixed, written(member.tier_factor), member.tier)
    points = award.points
    wanted: Number = points.run(environment)
    told = points.filled_in(environment)
    return _granted(rule.id, wanted, member.tier_factor, tier=member.tier, filled=told)


@lru_cache(maxsize=4096)
def _fixed(rule: str, wanted: str, factor: str, tier: str) -> Award | None:
    """The award of a fixed number of points, kept because it is made again and again.

    The numbers come as text, because equal decimals may be written differently (1.5 and 1.50)
    and the arithmetic of an award must not depend on which of them came first.
    """
    return _granted(rule, Decimal(wanted), Decimal(factor), tier=tier, filled=wanted)


def _granted(rule: str, wanted: Number, factor: Decimal, *, tier: str, filled: str) -> Award | None:
    """The award of so many points times the tier's factor; None where that is less than one."""
    try:
        product = EXACT.multiply(wanted, factor)
    except DecimalException:
        raise RuleRuntimeError("the number of points is out of range", text=filled) from None
    if product < 0:
        problem = f"the award would be negative ({written(wanted)} points)"
        raise RuleRuntimeError(problem, text=filled)
    if product > MAX_AWARD:
        raise RuleRuntimeError(f"the award would be more than {MAX_AWARD:,} points", text=filled)
    granted = int(product)  # Not negative, so cutting the decimals off rounds down.
    if not granted:
        return None
    total = written(wanted)
    told = total if filled == total else f"{filled} = {total}"
    if factor != 1:
        told += f", times {written(factor)}{f' ({tier})' if tier else ''} = {written(product)}"
    if product != granted:
        told += f", rounded down to {granted}"
    return Award(rule=rule, points=granted, wanted=Decimal(wanted), arithmetic=told)


def _lose(outcome: Outcome, winner: str) -> None:
    outcome.verdict, outcome.award, outcome.by = "lost", None, winner


def _settle_by_points(outcomes: list[Outcome]) -> None:
    """Of each group `highest` or `lowest`, one stays; equal points go to the earlier rule."""
    rivals: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        mode = outcome.rule.mode
        if mode in _BY_POINTS and outcome.verdict == "fired":
            name = outcome.rule.document.group.name
            rivals.setdefault((mode, name), []).append(outcome)
    for (mode, _), group_outcomes in rivals.items():
        choose = max if mode == "highest" else min
        winner = choose(group_outcomes, key=lambda one: one.award.points if one.award else 0)
        for outcome in group_outcomes:
            if outcome is not winner:
                _lose(outcome, winner.rule.id)
