"""Why a rule fired or did not, in words a shop assistant understands."""

from __future__ import annotations

from loyalty.events import made
from rules.compiled import CompiledRule
from rules.decision import ClauseTrace, LineTrace, RuleTrace, Verdict
from rules.document import RuleDocument
from rules.earning import Reckoner, Share
from rules.judge import Outcome, defect
from rules.language import Expression, RuleRuntimeError
from rules.language.arithmetic import written
from rules.language.tree import Environment
from rules.telling import arithmetic, left_out

_JUDGED = frozenset({"fired", "not held", "failed", "lost"})
_PLAIN = frozenset({"fired", "not held", "not in force", "not in audience", "held out"})


def verdict_of(outcome: Outcome) -> Verdict:
    """How a rule came out and the values that decided, for storage."""
    rule, name = outcome.rule, outcome.verdict
    values = _deciding(outcome) if name in _JUDGED else None
    if values or name not in _PLAIN:
        return made(
            Verdict,
            rule=rule.id,
            verdict=name,
            at=outcome.at,
            by=outcome.by,
            values=values or {},
            error=outcome.error,
        )
    known: Verdict | None = rule.kept.get((name, outcome.at))
    if known is None:
        known = rule.kept[name, outcome.at] = Verdict(rule=rule.id, verdict=name, at=outcome.at)
    return known


def _deciding(outcome: Outcome) -> dict[str, str]:
    """The values in the clause that decided, or in all of them where all had to hold."""
    rule = outcome.rule
    if outcome.at in rule.places:
        return _values(rule.clauses[rule.places.index(outcome.at)], outcome.environment)
    found: dict[str, str] = {}
    for clause in rule.clauses:
        found |= _values(clause, outcome.environment)
    return found


def explain(outcome: Outcome, share: Share | None, reckoner: Reckoner) -> RuleTrace:
    """The trace of a rule: each clause with its values, the sentence that sums it up, and how
    its points were reckoned."""
    rule = outcome.rule
    clauses = _clauses(rule, outcome.environment) if outcome.verdict in _JUDGED else ()
    lines = left_out(share.claim, reckoner) if share else []
    return RuleTrace(
        rule=rule.id,
        fired=outcome.verdict == "fired",
        why=why(verdict_of(outcome), rule.document),
        clauses=clauses,
        arithmetic=_reckoned(outcome, share, reckoner),
        lines=tuple(LineTrace(line=one, eligible=worth, told=told) for one, worth, told in lines),
    )


def _reckoned(outcome: Outcome, share: Share | None, reckoner: Reckoner) -> str:
    if share is not None:
        return arithmetic(share, reckoner)
    claim = outcome.claim
    if claim is None or claim.factor is None:
        return ""
    return f"times {written(claim.factor)} for what other rules earn"


def _clauses(rule: CompiledRule, environment: Environment) -> tuple[ClauseTrace, ...]:
    """Every clause on its own, also those that did not matter any more once one had decided."""
    traces, is_decided = [], False
    for clause in rule.clauses:
        if is_decided and clause.leans:
            traces.append(_unjudged(clause, environment))
            continue
        trace = _clause(clause, environment)
        traces.append(trace)
        is_decided = is_decided or bool(trace.error) or trace.held is rule.stop_at
    return tuple(traces)


def _clause(clause: Expression, environment: Environment) -> ClauseTrace:
    held, error = False, ""
    try:
        held = clause.run(environment)
    except RuleRuntimeError as failure:
        error = failure.problem
    except Exception as failure:  # noqa: BLE001 - an explanation must not fail over a defect.
        error = defect(failure)
    return ClauseTrace(
        text=clause.line, held=held, values=_values(clause, environment), error=error
    )


def _unjudged(clause: Expression, environment: Environment) -> ClauseTrace:
    return ClauseTrace(
        text=clause.line, held=False, values=_values(clause, environment), is_judged=False
    )


def _values(clause: Expression, environment: Environment) -> dict[str, str]:
    try:
        return clause.values(environment)
    except Exception as failure:  # noqa: BLE001 - an explanation must not fail over a defect.
        return {"": defect(failure)}


def why(verdict: Verdict, document: RuleDocument) -> str:
    """The sentence for a verdict that was stored, with the rule as it was then.

    Args:
        verdict: Of any age.
        document: The rule in the version of the decision.
    """
    match verdict.verdict:
        case "fired":
            return f"Fired: {_why_fired(verdict, document)}."
        case "not held":
            return f"Did not fire: {_why_not(verdict, document)}."
        case "failed":
            return f"Did not fire: {verdict.error}."
        case "not in force":
            return _why_not_in_force(verdict.at, document)
        case "not in audience":
            return _why_not_in_audience(verdict.at, document)
        case "held out":
            percent = written(document.holdout.percent) if document.holdout else "some"
            return (
                f"Did not fire: the member is one of the {percent} per cent who are held out "
                "for comparison."
            )
        case "lost":
            return _why_lost(verdict, document)
        case "cut off":
            return f"Not looked at: `{verdict.by}` fired and ended the round."


def _why_fired(verdict: Verdict, document: RuleDocument) -> str:
    if not document.when:
        kinds = " or ".join(kind.value for kind in document.on)
        return f"it has no conditions, so it fires for every {kinds}"
    clause = _clause_in_words(verdict, document)
    return f"{clause} holds" if clause else f"all {len(document.when)} conditions hold"


def _why_not(verdict: Verdict, document: RuleDocument) -> str:
    clause = _clause_in_words(verdict, document)
    if clause:
        return f"{clause} does not hold"
    return f"none of its {len(document.when)} conditions holds"


def _clause_in_words(verdict: Verdict, document: RuleDocument) -> str:
    """The clause that decided, with its values; empty where it took all of them."""
    at = "when[0]" if len(document.when) == 1 else verdict.at
    if not at.startswith("when["):
        return ""
    text = " ".join(document.when[int(at[5:-1])].split())
    values = ", ".join(f"{name} is {value}" for name, value in verdict.values.items())
    return f"`{text}`" + (f" ({values})" if values else "")


def _why_not_in_force(at: str, document: RuleDocument) -> str:
    if at in {"starts", "ends"}:
        window = [
            f"{word} {instant.isoformat(sep=' ')}"
            for word, instant in (("from", document.starts), ("until", document.ends))
            if instant
        ]
        return f"Did not fire: it is in force {' '.join(window)}."
    clock = {"program": "the programme's clock", "member": "the member's clock"}.get(
        document.zone, f"the clock of {document.zone}"
    )
    if at == "hours" and document.hours:
        hours = document.hours
        told = f"from {hours.since:%H:%M} to {hours.to:%H:%M}"
    else:
        told = f"on {', '.join(document.days)}"
    return f"Did not fire: it is in force {told} by {clock}."


_MISSED = {
    "tiers": "for the tier", "tags": "for members tagged", "segments": "for the segment",
    "locales": "for the language", "enrolled_since": "for members who enrolled from",
    "enrolled_before": "for members who enrolled before",
}  # fmt: skip


def _why_not_in_audience(at: str, document: RuleDocument) -> str:
    key = at.removeprefix("audience.")
    asked = getattr(document.audience, key, ())
    if isinstance(asked, tuple):
        is_all = document.audience is not None and document.audience.match == "all"
        word = " and " if is_all and key in {"tags", "segments"} else " or "
        told = word.join(asked)
    else:
        told = f"{asked.isoformat(sep=' ')} on" if key == "enrolled_since" else f"{asked}"
    return f"Did not fire: it is {_MISSED.get(key, 'for')} {told}."


def _why_lost(verdict: Verdict, document: RuleDocument) -> str:
    if verdict.at == "multipliers":
        return (
            f"Its conditions held, but `{verdict.by}` gives more, and the programme lets one "
            "rule win for a purchase."
        )
    group = f"group {document.group.name or document.group.mode}"
    return f"Its conditions held, but `{verdict.by}` was chosen in {group}."
