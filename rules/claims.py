"""What one rule asks for when it applies to an event: evaluated, not yet reckoned together."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rules.compiled import CompiledActions, CompiledAward, CompiledEarn, CompiledRule, LineFilter
from rules.language import Expression, RuleRuntimeError
from rules.language.arithmetic import written
from rules.language.tree import Environment
from rules.subjects import DATA

MAX_AWARD = 1_000_000_000
"""One award never grants more points: beyond it, a rule has a mistake."""

MAX_FACTOR = 1_000
"""Nothing is multiplied by more: beyond it, a rule has a mistake."""

_THEN, _OTHERWISE = ("claim", "then"), ("claim", "otherwise")

Mask = list[bool]
"""For each line of the order whether a condition on `line` holds."""


@dataclass(slots=True, eq=False)
class Claim:
    """What a rule asks for.

    Attributes:
        earn: Its earning by value, with `earns_on` for the lines it is for.
        wanted: The points of its award or deduction.
        is_flat: Whether those points are neither multiplied nor rounded with others.
        kept: What came of it before, where the claim is the same for every event.
        factor: What it multiplies earnings by, with `multiplies` for the lines it is for.
        excludes: The lines that it takes out of every earning.
    """

    rule: CompiledRule
    environment: Environment
    earn: CompiledEarn | None = None
    earns_on: Mask | None = None
    award: CompiledAward | None = None
    wanted: Decimal | None = None
    is_flat: bool = False
    factor: Decimal | None = None
    multiplies: Mask | None = None
    excludes: Mask | None = None
    tier: str = ""
    kept: dict[tuple[Any, ...], Any] | None = None


def claim_of(rule: CompiledRule, actions: CompiledActions, environment: Environment) -> Claim:
    """The claim of a rule that applies.

    Raises:
        RuleRuntimeError: A number or a condition of it cannot be worked out or granted.
    """
    if actions.is_fixed:
        return _fixed(rule, actions, environment)
    claim = Claim(rule, environment)
    award = actions.award
    if award is not None and _holds(award.condition, environment):
        claim.award, claim.is_flat = award, award.is_flat
        claim.wanted = _wanted(award, environment)
    if actions.earn is not None and _holds(actions.earn.condition, environment):
        claim.earn = actions.earn
        claim.earns_on = _mask(actions.earn.lines, environment)
    multiply = actions.multiply
    if multiply is not None and _holds(multiply.condition, environment):
        claim.factor = _factor(multiply.by, environment)
        claim.multiplies = _mask(multiply.lines, environment)
    if actions.exclude is not None and _holds(actions.exclude.condition, environment):
        claim.excludes = _mask(actions.exclude.lines, environment)
    if actions.tier is not None and _holds(actions.tier.condition, environment):
        claim.tier = actions.tier.tier
    return claim


def _fixed(rule: CompiledRule, actions: CompiledActions, environment: Environment) -> Claim:
    """The claim of a fixed number of points, made once: it is the same for every event."""
    key = _THEN if actions is rule.then else _OTHERWISE
    known: Claim | None = rule.kept.get(key)
    if known is None:
        assert actions.award is not None
        known = Claim(rule, [], award=actions.award, kept={})
        known.wanted = _wanted(actions.award, environment)
        known.is_flat = actions.award.is_flat
        rule.kept[key] = known
    return known


def _holds(condition: Expression | None, environment: Environment) -> bool:
    return condition is None or bool(condition.run(environment))


def _mask(lines: LineFilter | None, environment: Environment) -> Mask | None:
    if lines is None:
        return None
    run, slot = lines.condition.run, lines.slot
    found: Mask = []
    order: Any = environment[DATA]
    for line in order.lines:
        environment[slot] = line
        found.append(run(environment))
    return found


def _wanted(award: CompiledAward, environment: Environment) -> Decimal:
    wanted = Decimal(award.points.run(environment))
    what = "award" if award.sign > 0 else "deduction"
    if wanted < 0:
        problem = f"the {what} would be negative ({written(wanted)} points)"
        raise RuleRuntimeError(problem, text=award.points.text)
    if wanted > MAX_AWARD:
        problem = f"the {what} would be more than {MAX_AWARD:,} points"
        raise RuleRuntimeError(problem, text=award.points.text)
    return wanted


def _factor(by: Expression, environment: Environment) -> Decimal:
    factor = by.run(environment)
    if not 0 <= factor <= MAX_FACTOR:
        problem = f"the factor would be {written(factor)}, and has to be from 0 to {MAX_FACTOR:,}"
        raise RuleRuntimeError(problem, text=by.text)
    return Decimal(factor)
