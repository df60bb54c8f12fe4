"""A rule made ready to run for one kind of event: every expression checked and compiled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from loyalty.events import EventType
from rules.actions import Action, AppendRow, AwardPoints, EffectBody
from rules.decision import EffectKind
from rules.document import RuleDocument
from rules.language import (
    BOOL,
    NOTHING_KNOWN,
    NUMBER,
    SCALAR,
    Expression,
    ExpressionError,
    Knowledge,
    Scope,
    Type,
    compile_expression,
)
from rules.language.arithmetic import written
from rules.language.scope import BrokenName
from rules.language.tree import UNSET, Constant, Environment, Run
from rules.subjects import after_booking, scope_of

Report = Callable[[str, ExpressionError], None]
"""Takes the place in the document and what is wrong there."""


@dataclass(frozen=True, slots=True)
class CompiledAward:
    """The points of a rule, and under which further condition.

    `fixed` is the number where it is the same for every event, empty where it is not.
    """

    condition: Expression | None
    points: Expression
    fixed: str


@dataclass(frozen=True, slots=True)
class CompiledEffect:
    """An action towards the outside. `index` goes on counting from `then` to `otherwise`."""

    index: int
    place: str
    kind: EffectKind
    body: EffectBody
    condition: Expression | None
    values: tuple[tuple[str, Expression], ...]
    row: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class CompiledActions:
    """What `then` or `otherwise` does."""

    award: CompiledAward | None
    effects: tuple[CompiledEffect, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is done."""
        return self.award is None and not self.effects


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule ready to run for one kind of event."""

    id: str
    document: RuleDocument
    event_type: EventType
    clauses: tuple[Expression, ...]
    runs: tuple[Run, ...]
    stop_at: bool
    then: CompiledActions
    otherwise: CompiledActions
    blanks: list[Any]
    mode: str
    stop: bool
    has_window: bool

    def environment(self, base: Environment) -> Environment:
        """The values of the event with fresh slots for the rule's own."""
        return base + self.blanks if self.blanks else base

    def holds(self, environment: Environment) -> bool:
        """Whether the conditions hold: all of them, or any, as `match` says."""
        stop_at = self.stop_at
        for run in self.runs:
            if run(environment) is stop_at:
                return stop_at
        return not stop_at or not self.runs


def compile_rule(
    document: RuleDocument, event_type: EventType, report: Report
) -> CompiledRule | None:
    """The rule for one of its `on` types; None where anything was reported."""
    return _RuleCompiler(document, event_type, report).rule()


class _RuleCompiler:
    """Compiles one rule, going on after a refusal so that all of them are reported at once."""

    def __init__(self, document: RuleDocument, event_type: EventType, report: Report) -> None:
        self.document = document
        self.event_type = event_type
        self.scope = scope_of(event_type, document.let)
        self.is_sound = True
        self._report = report

    def rule(self) -> CompiledRule | None:
        document = self.document
        self._lets()
        clauses, after_then, after_otherwise = self._clauses()
        then = self._actions("then", document.then, after_then, first=0)
        otherwise = self._actions(
            "otherwise", document.otherwise, after_otherwise, first=len(document.then)
        )
        if not self.is_sound:
            return None
        return CompiledRule(
            id=document.id,
            document=document,
            event_type=self.event_type,
            clauses=clauses,
            runs=tuple(clause.run for clause in clauses),
            stop_at=document.match == "any",
            then=then,
            otherwise=otherwise,
            blanks=[UNSET] * (self.scope.slots.used - len(_BASE)),
            mode=document.group.mode,
            stop=document.stop,
            has_window=document.starts is not None or document.ends is not None,
        )

    def _refuse(self, place: str, error: ExpressionError) -> None:
        self.is_sound = False
        if not isinstance(error, BrokenName):
            self._report(place, error)

    def _lets(self) -> None:
        for name in self.document.let:
            # Reading a name on its own gives the same checks as using it somewhere.
            self._read(f"let.{name}", name, None, self.scope, NOTHING_KNOWN)
        for name, error in self.scope.problems.items():
            self._refuse(f"let.{name}", error)

    def _clauses(self) -> tuple[tuple[Expression, ...], Knowledge, Knowledge]:
        """The clauses, what `then` may rely on and what `otherwise` may rely on.

        Each clause is looked at only after those before it held (with `match: any`: did not),
        so it may rely on what they established.
        """
        is_any = self.document.match == "any"
        known, read = NOTHING_KNOWN, []
        for at, text in enumerate(self.document.when):
            clause = self._read(f"when[{at}]", text, BOOL, self.scope, known)
            if clause is not None:
                read.append(clause)
                known |= clause.if_false if is_any else clause.if_true
        only = read[0] if len(read) == 1 else None
        if is_any:
            return tuple(read), only.if_true if only else NOTHING_KNOWN, known
        return tuple(read), known, only.if_false if only else NOTHING_KNOWN

    def _read(
        self, place: str, text: str, expects: Type | None, scope: Scope, known: Knowledge
    ) -> Expression | None:
        try:
            return compile_expression(text, scope, expects=expects, assumed=known)
        except ExpressionError as error:
            self._refuse(place, error)
            return None

    def _actions(
        self, place: str, actions: Sequence[Action], known: Knowledge, *, first: int
    ) -> CompiledActions:
        award, effects = None, []
        for at, action in enumerate(actions):
            if action.award is not None:
                award = self._award(f"{place}[{at}].award", action.award, known)
            elif found := action.effect:
                kind, body = found
                name = f"{place}[{at}].{kind.value}"
                effects.append(self._effect(name, kind, body, known, index=first + at))
        return CompiledActions(award=award, effects=tuple(effects))

    def _condition(
        self, place: str, text: str | None, scope: Scope, known: Knowledge
    ) -> tuple[Expression | None, Knowledge]:
        if text is None:
            return None, known
        condition = self._read(f"{place}.if", text, BOOL, scope, known)
        return condition, known | condition.if_true if condition else known

    def _award(self, place: str, body: AwardPoints, known: Knowledge) -> CompiledAward | None:
        condition, known = self._condition(place, body.condition, self.scope, known)
        points = self._read(f"{place}.points", body.points, NUMBER, self.scope, known)
        if points is None:
            return None
        fixed = written(points.node.value) if isinstance(points.node, Constant) else ""
        return CompiledAward(condition=condition, points=points, fixed=fixed)

    def _effect(
        self, place: str, kind: EffectKind, body: EffectBody, known: Knowledge, *, index: int
    ) -> CompiledEffect:
        scope = after_booking(self.scope)
        condition, known = self._condition(place, body.condition, scope, known)
        values: list[tuple[str, Expression]] = []
        for name, text in _named_values(body):
            found = self._read(f"{place}.values.{name}", text, SCALAR, scope, known)
            if found is not None:
                values.append((name, found))
        is_row = isinstance(body, AppendRow)
        return CompiledEffect(
            index=index,
            place=place,
            kind=kind,
            body=body,
            condition=condition,
            values=() if is_row else tuple(values),
            row=tuple(expression for _, expression in values) if is_row else (),
        )


_BASE = ("event", "member", "programme", "data", "result")


def _named_values(body: EffectBody) -> list[tuple[str, str]]:
    if isinstance(body, AppendRow):
        return [(str(at), text) for at, text in enumerate(body.values)]
    return list(getattr(body, "values", {}).items())
