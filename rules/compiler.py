"""Checks and compiles rules, going on after a refusal so that all of them are told at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from loyalty.events import EventType
from rules.actions import (
    Action,
    ActionBody,
    AppendRow,
    AwardPoints,
    Deduct,
    Earn,
    EffectBody,
    Exclude,
    IssueReward,
    Multiply,
    SetTier,
    UpdateRow,
)
from rules.compiled import (
    CompiledActions,
    CompiledAward,
    CompiledEarn,
    CompiledEffect,
    CompiledExclude,
    CompiledMultiply,
    CompiledRule,
    CompiledTier,
    LineFilter,
)
from rules.decision import EffectKind
from rules.document import RuleDocument
from rules.effecting import fixed_part
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
from rules.language.arithmetic import EXACT, QUOTIENT
from rules.language.scope import BrokenName
from rules.language.tree import UNSET, Constant, Negative
from rules.subjects import RESULT, after_booking, data_name, on_a_line, scope_of

Report = Callable[[str, ExpressionError | str], None]
"""Takes the place in the document and what is wrong there."""


def compile_rule(
    document: RuleDocument, event_type: EventType, report: Report
) -> CompiledRule | None:
    """The rule for one of its `on` types; None where anything was reported."""
    return _RuleCompiler(document, event_type, report).rule()


def constant_of(expression: Expression) -> Decimal | None:
    """The number of an expression that is nothing but a number."""
    node, sign = expression.node, 1
    if isinstance(node, Negative):
        node, sign = node.of, -1
    if isinstance(node, Constant) and isinstance(node.value, (int, Decimal)):
        return sign * Decimal(node.value)
    return None


class _RuleCompiler:
    """Compiles one rule for one kind of event."""

    def __init__(self, document: RuleDocument, event_type: EventType, report: Report) -> None:
        self.document = document
        self.event_type = event_type
        self.scope = scope_of(event_type, document.let)
        self.is_sound = True
        self._report = report
        self._on_a_line: Scope | None = None

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
            places=tuple(f"when[{at}]" for at in range(len(clauses))),
            stop_at=document.match == "any",
            then=then,
            otherwise=otherwise,
            blanks=[UNSET] * (self.scope.slots.used - RESULT - 1),
            mode=document.group.mode,
            stop=document.stop,
            is_gated=not document.window.is_open
            or document.audience is not None
            or document.holdout is not None,
            is_rival=document.group.mode != "all" or document.stop,
            has_limits=bool(document.limits),
            has_otherwise=not otherwise.is_empty,
        )

    def _refuse(self, place: str, error: ExpressionError | str) -> None:
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
        found: dict[str, Any] = {}
        effects: list[CompiledEffect] = []
        for at, action in enumerate(actions):
            name, body = action.given
            where = f"{place}[{at}].{name}"
            if isinstance(body, EffectBody):
                kind = EffectKind(name)
                effects.append(self._effect(where, kind, body, known, index=first + at))
            else:
                slot = {"deduct": "award", "set_tier": "tier"}.get(name, name)
                found[slot] = self._claim(where, body, known)
        # What was refused is reported already; the rule does not run.
        award = found.get("award")
        is_fixed = (
            len(found) == 1
            and award is not None
            and award.condition is None
            and award.fixed is not None
        )
        return CompiledActions(
            **found, effects=tuple(effects), has_claim=bool(found), is_fixed=is_fixed
        )

    def _claim(self, place: str, body: ActionBody, known: Knowledge) -> Any:
        """An action on points or tiers, compiled; None where it was refused."""
        condition, known = self._condition(place, body.condition, self.scope, known)
        match body:
            case Earn():
                return self._earn(place, body, condition, known)
            case AwardPoints() | Deduct():
                return self._award(place, body, condition, known)
            case Multiply():
                by = self._read(f"{place}.by", body.by, NUMBER, self.scope, known)
                lines = self._lines(place, body.lines, known)
                return by and CompiledMultiply(condition, by, lines)
            case Exclude():
                left_out = self._lines(place, body.lines, known)
                return left_out and CompiledExclude(condition, left_out)
            case SetTier():
                return CompiledTier(condition, body.tier)

    def _condition(
        self, place: str, text: str | None, scope: Scope, known: Knowledge
    ) -> tuple[Expression | None, Knowledge]:
        if text is None:
            return None, known
        condition = self._read(f"{place}.if", text, BOOL, scope, known)
        return condition, known | condition.if_true if condition else known

    def _earn(
        self, place: str, body: Earn, condition: Expression | None, known: Knowledge
    ) -> CompiledEarn | None:
        if data_name(self.event_type) not in {"order", "payment"}:
            told = f"{self.event_type.value} has no value to earn by: write `award`"
            self._refuse(place, told)
            return None
        return CompiledEarn(
            condition=condition,
            points=body.points,
            per=body.per,
            rate=_exact_rate(body.points, body.per),
            is_whole=body.steps == "whole",
            lines=self._lines(place, body.lines, known),
        )

    def _award(
        self,
        place: str,
        body: AwardPoints | Deduct,
        condition: Expression | None,
        known: Knowledge,
    ) -> CompiledAward | None:
        points = self._read(f"{place}.points", body.points, NUMBER, self.scope, known)
        if points is None:
            return None
        is_deduction = isinstance(body, Deduct)
        return CompiledAward(
            condition=condition,
            points=points,
            fixed=points.node.value if isinstance(points.node, Constant) else None,
            is_flat=is_deduction or bool(getattr(body, "flat", False)),
            sign=-1 if is_deduction else 1,
        )

    def _lines(self, place: str, text: str | None, known: Knowledge) -> LineFilter | None:
        if text is None:
            return None
        if data_name(self.event_type) != "order":
            self._refuse(f"{place}.lines", f"{self.event_type.value} has no lines: only orders do")
            return None
        self._on_a_line = self._on_a_line or on_a_line(self.scope)
        scope = self._on_a_line
        condition = self._read(f"{place}.lines", text, BOOL, scope, known)
        if condition is None:
            return None
        return LineFilter(condition, scope.names["line"].slot)

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
        key = worth = None
        if isinstance(body, UpdateRow):
            key = self._read(f"{place}.key", body.key, SCALAR, scope, known)
        if isinstance(body, IssueReward) and body.value is not None:
            worth = self._read(f"{place}.value", body.value, NUMBER, scope, known)
        is_row = isinstance(body, AppendRow)
        return CompiledEffect(
            place=place,
            body=body,
            fixed=fixed_part(self.document.id, index, kind, body),
            condition=condition,
            values=() if is_row else tuple(values),
            row=tuple(expression for _, expression in values) if is_row else (),
            key=key,
            worth=worth,
        )


def _exact_rate(points: Decimal, per: Decimal) -> Decimal | None:
    """Points per one unit of currency, where it is a decimal that ends."""
    rate = QUOTIENT.divide(points, per)
    return rate if EXACT.multiply(rate, per) == points else None


def _named_values(body: EffectBody) -> list[tuple[str, str]]:
    if isinstance(body, AppendRow):
        return [(str(at), text) for at, text in enumerate(body.values)]
    return list(getattr(body, "values", {}).items())
