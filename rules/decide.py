"""Decides what an event is worth, and what else is to be done. Pure, and the same everywhere:
live flows, tests, scenario files and simulations call these two functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loyalty.eligibility import rate
from loyalty.events import Event, Frozen, Order, Payment, made
from loyalty.facts import MemberFacts, RatedOrder, RatedPayment, Result
from loyalty.programme import Programme
from rules.claims import Claim
from rules.decision import AppliedLimit, Award, Decision, Effect, LeftOut, RuleUse, TierMove
from rules.earning import Reckoner, Share
from rules.effecting import work_out
from rules.exact import as_decimal
from rules.explain import explain as trace_of
from rules.explain import verdict_of
from rules.judge import Outcome, judge, settle
from rules.language.tree import Environment
from rules.ruleset import RuleSet
from rules.subjects import DATA
from rules.telling import arithmetic, excluded_by

_PURCHASES = (RatedOrder, RatedPayment)


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
    remember: bool = True,
) -> Decision:
    """Which rules fire for an event and what they award.

    Args:
        event: What happened.
        member: As the books knew them before it.
        programme: The settings in force.
        rules: The rule set in force.
        data: The event's data as rules see it, where the caller has it (a `RatedOrder`).
        explain: Whether to give traces. What is decided is the same without, many times faster.
        remember: Whether to give what storage keeps: verdicts with the values that decided, and
            the arithmetic of awards. Only comparisons and simulations can do without.

    Never raises for what a rule says: a rule that fails does not fire, and `errors` says why.
    """
    base = _environment(event, member, programme, data)
    outcomes = judge(rules.listening(event.type), event, member, programme, base=base)
    reckoner = Reckoner(base[DATA], member, programme)
    settle(outcomes, reckoner, is_purchase=isinstance(base[DATA], _PURCHASES))
    is_told = explain or remember
    awards, shares = _awards(outcomes, reckoner, is_told=is_told)
    fired, otherwise, errors = [], [], []
    for outcome in outcomes:
        if outcome.verdict == "fired":
            fired.append(outcome.rule.id)
        elif outcome.verdict == "failed":
            errors.append(f"{outcome.rule.id}: {outcome.error}")
        elif outcome.rule.has_otherwise and outcome.verdict == "not held":
            otherwise.append(outcome.rule.id)
    return made(
        Decision,
        version=rules.version,
        awards=tuple(awards),
        fired=tuple(fired),
        otherwise=tuple(otherwise),
        errors=tuple(errors),
        uses=_uses(outcomes, awards, reckoner),
        set_tier=_set_tier(reckoner.claims),
        verdicts=tuple([verdict_of(one) for one in outcomes]) if is_told else (),
        left_out=_left_out(reckoner) if is_told else (),
        traces=_traces(outcomes, shares, reckoner) if explain else (),
    )


def effects(  # noqa: PLR0913 - the facts of the decision again, and what came of it.
    decision: Decision,
    event: Event,
    member: MemberFacts,
    result: Result,
    programme: Programme,
    rules: RuleSet,
    *,
    data: Any = None,
    barred: frozenset[str] = frozenset(),
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
        barred: Rules whose award a limit reduced to nothing: they do nothing else either.

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
    fired = frozenset(decision.fired) - barred
    otherwise = frozenset(decision.otherwise) - barred
    for rule in rules.listening(event.type):
        if rule.id in fired:
            actions = rule.then
        elif rule.id in otherwise:
            actions = rule.otherwise
        else:
            continue
        environment = rule.environment(base)
        for effect in actions.effects:
            work_out(rule, effect, environment, found=found, errors=errors)
    return Effects(effects=tuple(found), errors=tuple(errors))


def _environment(event: Event, member: MemberFacts, programme: Programme, data: Any) -> Environment:
    if data is None:
        data = event.data
    if not isinstance(data, _PURCHASES) and isinstance(data, (Order, Payment)):
        data = rate(data, programme)
    return [event, member, programme, data, None]


def _does_otherwise(outcome: Outcome) -> bool:
    return outcome.rule.has_otherwise and outcome.verdict == "not held"


def _awards(
    outcomes: Sequence[Outcome], reckoner: Reckoner, *, is_told: bool
) -> tuple[list[Award], dict[str, Share]]:
    """What the rules grant; those whose number is out of range fail."""
    awards: list[Award] = []
    shares: dict[str, Share] = {}
    claims = [one.claim for one in outcomes if one.claim is not None]
    for share in reckoner.shares(claims):
        rule = share.claim.rule
        if share.problem:
            next(one for one in outcomes if one.claim is share.claim).fail(share.problem)
            continue
        shares[rule.id] = share
        if share.points:
            awards.append(_award(share, reckoner, is_told=is_told))
    return awards, shares


def _award(share: Share, reckoner: Reckoner, *, is_told: bool) -> Award:
    if share.award is not None and not is_told:
        return share.award
    claim = share.claim
    award = made(
        Award,
        rule=claim.rule.id,
        points=share.points,
        wanted=as_decimal(share.exact),
        flat=claim.is_flat,
        arithmetic=arithmetic(share, reckoner) if is_told else "",
        limits=_limits(claim, reckoner) if claim.rule.has_limits else (),
        multiplied_by=reckoner.multiplied_by(share) if reckoner.multipliers else (),
    )
    if claim.kept is not None and claim.is_flat and not is_told and not claim.rule.has_limits:
        share.award = award
    return award


def _limits(claim: Claim, reckoner: Reckoner) -> tuple[AppliedLimit, ...]:
    programme, rule = reckoner.programme, claim.rule
    return tuple(
        limit.applied(
            rule.id,
            unit_scale=programme.unit_scale,
            programme=programme.zone,
            member=reckoner.member.zone,
        )
        for limit in rule.document.limits
    )


def _uses(
    outcomes: Sequence[Outcome], awards: Sequence[Award], reckoner: Reckoner
) -> tuple[RuleUse, ...]:
    """Rules that do something without points, so many times."""
    limited = [one for one in outcomes if one.rule.has_limits]
    found: list[RuleUse] = []
    for outcome in limited:
        if outcome.verdict != "fired" and not _does_otherwise(outcome):
            continue
        if any(award.rule == outcome.rule.id for award in awards):
            continue
        limits = _limits(outcome.claim or Claim(outcome.rule, []), reckoner)
        counted = tuple(limit for limit in limits if limit.kind == "times")
        if counted:
            found.append(RuleUse(rule=outcome.rule.id, limits=counted))
    return tuple(found)


def _set_tier(claims: Sequence[Claim]) -> TierMove | None:
    for claim in claims:
        if claim.tier:
            return TierMove(rule=claim.rule.id, tier=claim.tier)
    return None


def _left_out(reckoner: Reckoner) -> tuple[LeftOut, ...]:
    if not any(claim.excludes for claim in reckoner.claims):
        return ()
    lines = [(line.id, excluded_by(reckoner.claims, n)) for n, line in enumerate(reckoner.lines)]
    return tuple(LeftOut(line=line, rule=rule) for line, rule in lines if rule)


def _traces(
    outcomes: Sequence[Outcome], shares: dict[str, Share], reckoner: Reckoner
) -> tuple[Any, ...]:
    return tuple(trace_of(one, shares.get(one.rule.id), reckoner) for one in outcomes)
