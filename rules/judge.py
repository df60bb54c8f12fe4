"""How the rules of an event come out: which hold, which compete, which are cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loyalty.events import Event
from loyalty.facts import MemberFacts
from loyalty.programme import Programme
from rules.claims import Claim, claim_of
from rules.compiled import CompiledRule
from rules.decision import VerdictName
from rules.earning import Reckoner
from rules.language import RuleRuntimeError
from rules.language.tree import Environment
from rules.windows import resolved_zone

_BY_POINTS = frozenset({"highest", "lowest"})


@dataclass(slots=True, eq=False)
class Outcome:
    """A rule and how it came out.

    `at` is the place in the document that decided; `by` the rule that won the group, was better
    for the member, or ended the round.
    """

    rule: CompiledRule
    verdict: VerdictName
    environment: Environment
    claim: Claim | None = None
    at: str = ""
    by: str = ""
    error: str = ""

    def lose(self, winner: str, at: str) -> None:
        """Another rule was chosen."""
        self.verdict, self.claim, self.by, self.at = "lost", None, winner, at

    def fail(self, error: str) -> None:
        """It cannot be worked out."""
        self.verdict, self.claim, self.error = "failed", None, error


def judge(
    rules: Sequence[CompiledRule],
    event: Event,
    member: MemberFacts,
    programme: Programme,
    *,
    base: Environment,
) -> list[Outcome]:
    """The outcome of every rule, in the order of the rules (highest priority first); groups by
    points are still open (`settle`)."""
    outcomes: list[Outcome] = []
    first: dict[str, str] = {}
    ended_by = ""
    for rule in rules:
        if ended_by:
            outcomes.append(Outcome(rule, "cut off", base, by=ended_by))
            continue
        if rule.is_gated:
            shut = _shut(rule, event, member, programme)
            if shut is not None:
                outcomes.append(Outcome(rule, shut[0], base, at=shut[1]))
                continue
        outcome = _judge_one(rule, base)
        outcomes.append(outcome)
        if outcome.verdict != "fired" or not rule.is_rival:
            continue
        if rule.mode == "first":
            winner = first.setdefault(rule.document.group.name, rule.id)
            if winner != rule.id:
                outcome.lose(winner, "group")
                continue
        if rule.stop:
            ended_by = rule.id
    return outcomes


def _shut(
    rule: CompiledRule, event: Event, member: MemberFacts, programme: Programme
) -> tuple[VerdictName, str] | None:
    """What keeps a rule from being looked at: its window, its audience, its holdout."""
    document = rule.document
    zone = resolved_zone(document.zone, programme=programme.zone, member=member.zone)
    if at := document.window.shut_by(event.time, zone):
        return "not in force", at
    if document.audience is not None and (at := document.audience.missed_by(member)):
        return "not in audience", f"audience.{at}"
    if document.holdout is not None and document.holdout.holds_out(member.id, rule.id):
        return "held out", "holdout"
    return None


def _judge_one(rule: CompiledRule, base: Environment) -> Outcome:
    environment = base + rule.blanks if rule.blanks else base
    stop_at, at = rule.stop_at, 0
    held = not stop_at or not rule.runs
    try:
        for run in rule.runs:
            if run(environment) is stop_at:
                held, place = stop_at, rule.places[at]
                break
            at += 1
        else:
            place = ""
        at = -1
        actions = rule.then if held else rule.otherwise
        claim = claim_of(rule, actions, environment) if actions.has_claim else None
        return Outcome(rule, "fired" if held else "not held", environment, claim, place)
    except RuleRuntimeError as error:
        problem = error.reason
    except Exception as error:  # noqa: BLE001 - a defect in one rule must stop no other rule.
        problem = defect(error)
    place = rule.places[at] if at >= 0 else "then" if held else "otherwise"
    return Outcome(rule, "failed", environment, None, place, error=problem)


def defect(error: Exception) -> str:
    """What to say of an error that the checks should have ruled out."""
    return f"the rule met data it was not made for ({type(error).__name__}): tell its owner"


def settle(outcomes: Sequence[Outcome], reckoner: Reckoner, *, is_purchase: bool) -> None:
    """Lets the best rule stand where only one may: in groups by points, and, where a programme
    gives one rule per purchase, among multipliers and flat awards. Equals go to the earlier."""
    contested = [one for one in outcomes if one.rule.is_rival and _is_contested(one)]
    if contested:
        rivals: dict[tuple[str, str], list[Outcome]] = {}
        for outcome in contested:
            key = (outcome.rule.mode, outcome.rule.document.group.name)
            rivals.setdefault(key, []).append(outcome)
        rest = [one.claim for one in outcomes if one.claim and one not in contested]
        for (mode, _), group in rivals.items():
            _keep_one(group, rest, reckoner, at="group", is_lowest=mode == "lowest")
    if is_purchase and reckoner.programme.multipliers == "best_single_rule":
        bonuses = [one for one in outcomes if one.claim and _is_bonus(one.claim)]
        rest = [one.claim for one in outcomes if one.claim and not _is_bonus(one.claim)]
        _keep_one(bonuses, rest, reckoner, at="multipliers", is_lowest=False)


def _is_contested(outcome: Outcome) -> bool:
    return outcome.verdict == "fired" and outcome.rule.mode in _BY_POINTS


def _is_bonus(claim: Claim) -> bool:
    is_gift = claim.is_flat and claim.award is not None and claim.award.sign > 0
    return claim.factor is not None or is_gift


def _keep_one(
    group: Sequence[Outcome],
    rest: Sequence[Claim],
    reckoner: Reckoner,
    *,
    at: str,
    is_lowest: bool,
) -> None:
    if len(group) < 2:
        return
    worth = {id(one): reckoner.total([*rest, one.claim] if one.claim else rest) for one in group}
    choose = min if is_lowest else max
    winner = choose(group, key=lambda one: worth[id(one)])
    for outcome in group:
        if outcome is not winner:
            outcome.lose(winner.rule.id, at)
