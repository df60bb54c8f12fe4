"""Why a rule fired or did not, in words a shop assistant understands."""

from __future__ import annotations

from rules.compiled import CompiledRule
from rules.decision import ClauseTrace, RuleTrace
from rules.judge import Outcome, defect
from rules.language import Expression, RuleRuntimeError
from rules.language.tree import Environment


def explain(outcome: Outcome) -> RuleTrace:
    """The trace of a rule: each clause with its values, and the sentence that sums it up."""
    rule = outcome.rule
    is_judged = outcome.verdict not in {"cut off", "not in force"}
    clauses = _clauses(rule, outcome.environment) if is_judged else ()
    return RuleTrace(
        rule=rule.id,
        fired=outcome.verdict == "fired",
        why=_why(outcome, clauses),
        clauses=clauses,
    )


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


def _why(outcome: Outcome, clauses: tuple[ClauseTrace, ...]) -> str:
    document = outcome.rule.document
    group = f"group {document.group.name or document.group.mode}"
    match outcome.verdict:
        case "fired":
            return _why_fired(outcome.rule, clauses)
        case "not held":
            return _why_not(outcome.rule, clauses)
        case "failed":
            return f"Did not fire: {outcome.error}."
        case "not in force":
            window = [
                f"{word} {instant.isoformat(sep=' ')}"
                for word, instant in (("from", document.starts), ("until", document.ends))
                if instant
            ]
            return f"Did not fire: it is in force {' '.join(window)}."
        case "lost":
            return f"Its conditions held, but `{outcome.by}` was chosen in {group}."
        case "cut off":
            return f"Not looked at: `{outcome.by}` fired and ended the round."


def _why_fired(rule: CompiledRule, clauses: tuple[ClauseTrace, ...]) -> str:
    if not clauses:
        return f"Fired: it has no conditions, so it fires for every {rule.event_type.value}."
    held = [clause for clause in clauses if clause.held]
    if rule.stop_at:
        return f"Fired: {_told(held[0])} holds."
    if len(held) == 1:
        return f"Fired: {_told(held[0])} holds."
    return f"Fired: all {len(held)} conditions hold."


def _why_not(rule: CompiledRule, clauses: tuple[ClauseTrace, ...]) -> str:
    if rule.stop_at and len(clauses) > 1:
        return f"Did not fire: none of its {len(clauses)} conditions holds."
    failing = next((one for one in clauses if not one.held), None)
    return f"Did not fire: {_told(failing)} does not hold." if failing else "Did not fire."


def _told(clause: ClauseTrace) -> str:
    values = ", ".join(f"{name} is {value}" for name, value in clause.values.items())
    return f"`{clause.text}`" + (f" ({values})" if values else "")
