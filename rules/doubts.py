"""What a second pair of eyes should see before rules are published: not wrong, but doubtful.

Two lists: what needs approval (points given or taken by a constant that looks like a slip of the
pen), and warnings (rules that can never fire, windows that overlap where only one rule wins).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from rules.actions import AwardPoints, Deduct, Earn
from rules.clause import structured
from rules.document import RuleDocument
from rules.language import ExpressionError
from rules.language.arithmetic import fits_literal, written
from rules.problems import RuleProblem

MANY_POINTS = 1_000_000
"""An award of more than this by a constant needs approval."""

MAX_COMPARED = 200
"""Rules of one group beyond this are not compared with each other."""


def needs_approval(rules: Iterable[RuleDocument]) -> tuple[RuleProblem, ...]:
    """Rules that a second person has to agree to, each with its place and why."""
    return tuple(problem for rule in rules for problem in _doubtful_points(rule))


def _doubtful_points(rule: RuleDocument) -> Iterator[RuleProblem]:
    for place, action in rule.actions():
        name, body = action.given
        if isinstance(body, Earn) and body.points > MANY_POINTS:
            told = f"it earns {written(body.points)} points per {written(body.per)}"
            yield RuleProblem(rule.id, f"{place}.earn.points", told)
        if not isinstance(body, (AwardPoints, Deduct)):
            continue
        where = f"{place}.{name}.points"
        points = _constant(body.points)
        if isinstance(body, Deduct):
            amount = "" if points is None else f" {written(points)}"
            yield RuleProblem(rule.id, where, f"it takes{amount} points away from members")
        elif points is None:
            continue
        elif points > MANY_POINTS:
            yield RuleProblem(rule.id, where, f"it awards {int(points):,} points at once")
        elif points < 0:
            told = f"it awards {written(points)} points, which fails: write `deduct` to take points"
            yield RuleProblem(rule.id, where, told)


def _constant(text: str) -> Decimal | None:
    """The number of an expression that is nothing but a number, its sign included."""
    digits = text.strip().replace(" ", "").replace("_", "")
    try:
        value = Decimal(digits)
    except ArithmeticError:
        return None
    return value if fits_literal(value) else None


def warnings(rules: Sequence[RuleDocument]) -> tuple[RuleProblem, ...]:
    """What the rules do that their authors hardly want: each with its place and what to do."""
    enabled = sorted(
        (rule for rule in rules if rule.enabled), key=lambda one: (-one.priority, one.id)
    )
    found = [problem for rule in enabled for problem in _never_by_itself(rule)]
    found += _never_reached(enabled)
    found += _overlaps(enabled)
    return tuple(dict.fromkeys(found))


def _never_by_itself(rule: RuleDocument) -> Iterator[RuleProblem]:
    if rule.holdout is not None and rule.holdout.percent == 100:
        yield RuleProblem(rule.id, "holdout", "it holds out everybody, so it never fires")
    dead = [at for at, clause in enumerate(rule.when) if clause.strip() == "False"]
    if dead and (rule.match == "all" or len(dead) == len(rule.when)) and not rule.otherwise:
        yield RuleProblem(rule.id, f"when[{dead[0]}]", "it is never true, so the rule never fires")
    if rule.match == "all":
        yield from _contradictions(rule)


def _contradictions(rule: RuleDocument) -> Iterator[RuleProblem]:
    """Two conditions that ask one field to equal different things."""
    asked: dict[str, object] = {}
    for at, clause in enumerate(rule.when):
        try:
            found = structured(clause)
        except ExpressionError:
            continue
        if found is None or found.op != "==" or rule.otherwise:
            continue
        if asked.setdefault(found.field, found.value) != found.value:
            told = f"`{found.field}` cannot equal two things at once, so the rule never fires"
            yield RuleProblem(rule.id, f"when[{at}]", told)


def _is_unconditional(rule: RuleDocument) -> bool:
    return not rule.when and rule.window.is_open and not rule.audience and not rule.holdout


def _never_reached(rules: Sequence[RuleDocument]) -> Iterator[RuleProblem]:
    """Rules behind one that always fires and lets none after it do so."""
    stops: dict[str, str] = {}
    firsts: dict[tuple[str, str], str] = {}
    for rule in rules:
        group = rule.group.name
        stopped = [stops.get(kind) for kind in rule.on]
        if all(stopped):
            told = f"`{stopped[0]}` always fires before it and ends the round: it never fires"
            yield RuleProblem(rule.id, "priority", told)
        elif rule.group.mode == "first":
            winners = [firsts.get((kind, group)) for kind in rule.on]
            if all(winners):
                told = f"`{winners[0]}` always fires before it in its group: it never fires"
                yield RuleProblem(rule.id, "group", told)
        if not _is_unconditional(rule):
            continue
        for kind in rule.on:
            if rule.group.mode == "first":
                firsts.setdefault((kind, group), rule.id)
                is_winner = firsts[kind, group] == rule.id
            else:
                is_winner = True
            if rule.stop and is_winner:
                stops.setdefault(kind, rule.id)


def _overlaps(rules: Sequence[RuleDocument]) -> Iterator[RuleProblem]:
    """Windows that overlap in a group where only the first fires: by accident, mostly."""
    groups: dict[str, list[RuleDocument]] = {}
    for rule in rules:
        if rule.group.mode == "first" and not rule.window.is_open:
            groups.setdefault(rule.group.name, []).append(rule)
    for group in groups.values():
        compared = group[:MAX_COMPARED]
        for at, later in enumerate(compared):
            for earlier in compared[:at]:
                if set(earlier.on) & set(later.on) and earlier.window.may_overlap(later.window):
                    told = (
                        f"its time overlaps with that of `{earlier.id}`, which wins in group "
                        f"{later.group.name or 'first'} when both hold"
                    )
                    yield RuleProblem(later.id, "group", told)
