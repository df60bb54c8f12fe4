"""The type checker: from a syntax tree to a typed tree, or to a refusal people can act on."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from rules.language import tree
from rules.language.arithmetic import MAX_LITERAL, read_number
from rules.language.errors import ExpressionError, suggest
from rules.language.functions import FUNCTIONS
from rules.language.narrowing import Knowledge, key_of
from rules.language.parse import PLAIN_NUMBERS, Source, check_quotes
from rules.language.scope import BrokenName, CircularName, Scope
from rules.language.tree import Node
from rules.language.types import (
    BOOL,
    DATE,
    EMPTY,
    INSTANT,
    NUMBER,
    TEXT,
    BoolType,
    DateType,
    InstantType,
    ListType,
    NumberType,
    OptionalType,
    RecordType,
    TextType,
    Type,
    accepts,
    is_scalar,
    without_empty,
)

if TYPE_CHECKING:
    from rules.language.expression import Expression

CheckPart = Callable[["Checker", Any, Knowledge], Node]


class Checker:
    """Checks one expression. `assumed` is what earlier conditions of the rule established."""

    def __init__(
        self,
        source: Source,
        scope: Scope,
        *,
        assumed: Knowledge,
        read_let: Callable[[str], Expression],
    ) -> None:
        self.source = source
        self.scope = scope
        self.assumed = assumed
        self.leans = False
        self.items: dict[str, tree.Variable] = {}
        self._read_let = read_let

    def check(self, node: ast.expr, known: Knowledge) -> Node:
        """The typed tree of a part, given what is known where it stands."""
        return _CHECKS[type(node)](self, node, known)

    def refusal(self, node: ast.expr | Node, problem: str, hint: str = "") -> ExpressionError:
        """The refusal at the place of a part."""
        start, end = (node.start, node.end) if isinstance(node, Node) else self.source.span(node)
        return ExpressionError(problem, text=self.source.text, start=start, end=end, hint=hint)

    def fit(self, node: Node, expected: Type) -> Node:
        """The part as a value of the expected type; date texts become dates.

        Raises:
            ExpressionError: It is of another type, may be empty, or cannot be such a value.
        """
        if isinstance(node, tree.Constant) and isinstance(node.type, TextType):
            if isinstance(expected, (InstantType, DateType)):
                return self._read_day(node, expected)
            if isinstance(expected, TextType) and expected.choices:
                self._check_choice(node, expected.choices)
        if accepts(expected, node.type):
            return node
        if isinstance(node.type, OptionalType) and accepts(expected, node.type.inner):
            raise self.empty_refusal(node)
        raise self.refusal(node, f"{expected:A} is needed here, but this is {node.type:a}.")

    def is_nonzero(self, node: ast.expr, checked: Node, known: Knowledge) -> bool:
        """Whether a divisor is known not to be zero."""
        if isinstance(checked.type, NumberType) and checked.type.nonzero:
            return True
        return self._knows(key_of(node), known.nonzero, self.assumed.nonzero)

    def _knows(self, key: str, known: frozenset[str], assumed: frozenset[str]) -> bool:
        if key not in known:
            return False
        self.leans = self.leans or key in assumed
        return True

    def empty_refusal(self, node: Node) -> ExpressionError:
        text = self.source.text[node.start : node.end]
        short = " ".join(text.split())
        short = short if len(short) < 60 else "this value"
        hint = f"Test it first: `{short} is not None and …`"
        if isinstance(node.type, OptionalType) and is_scalar(node.type.inner):
            hint += f", or give a default: `{short} or …`"
        return self.refusal(node, f"`{short}` may be empty.", f"{hint}.")

    def _read_day(self, node: tree.Constant, expected: Type) -> Node:
        try:
            if isinstance(expected, DateType):
                return tree.Constant(DATE, node.start, node.end, date.fromisoformat(node.value))
            instant = datetime.fromisoformat(node.value)
        except ValueError:
            form = "2026-03-01" if isinstance(expected, DateType) else "2026-03-01T09:00:00+01:00"
            problem = f'This is not {expected:a}: write it like "{form}".'
            raise self.refusal(node, problem) from None
        if instant.tzinfo is None:
            raise self.refusal(node, 'An instant needs its offset: "2026-03-01T09:00:00+01:00".')
        return tree.Constant(INSTANT, node.start, node.end, instant)

    def _check_choice(self, node: tree.Constant, choices: tuple[str, ...]) -> None:
        if node.value not in choices:
            listed = ", ".join(f'"{one}"' for one in choices[:20])
            raise self.refusal(
                node,
                f'This is never "{node.value[:40]}": it is one of {listed}.',
                suggest(node.value, choices),
            )

    def _constant(self, node: ast.Constant, known: Knowledge) -> Node:
        start, end = self.source.span(node)
        value = node.value
        if isinstance(value, bool):
            return tree.Constant(BOOL, start, end, value)
        if value is None:
            return tree.Constant(EMPTY, start, end, None)
        if isinstance(value, str):
            check_quotes(self.source.segment(node), source=self.source, start=start)
            return tree.Constant(TEXT, start, end, value)
        number = read_number(self.source.segment(node)) if isinstance(value, (int, float)) else None
        if number is None:
            raise self.refusal(
                node,
                f"W{PLAIN_NUMBERS[1:]}: at most {MAX_LITERAL:,}, with at most 12 decimals.",
            )
        return tree.Constant(NumberType(nonzero=number != 0), start, end, number)

    def _name(self, node: ast.Name, known: Knowledge) -> Node:
        start, end = self.source.span(node)
        if item := self.items.get(node.id):
            found: Node = tree.Variable(
                self._narrowed(node, item.type, known), start, end, item.name, item.slot, True
            )
        elif name := self.scope.names.get(node.id):
            kind = self._narrowed(node, name.type, known)
            found = tree.Variable(kind, start, end, node.id, name.slot)
        elif node.id in self.scope.lets:
            slot, body = self._let(node)
            kind = self._narrowed(node, body.type, known)
            found = tree.Named(kind, start, end, node.id, slot, body.run)
        else:
            raise self._unknown_name(node)
        return found

    def _let(self, node: ast.Name) -> tuple[int, Expression]:
        try:
            return self.scope.let(node.id, self._read_let)
        except CircularName as error:
            raise self.refusal(node, error.problem) from None
        except ExpressionError as error:
            raise BrokenName(f"The named value `{node.id}` is refused.") from error

    def _unknown_name(self, node: ast.Name) -> ExpressionError:
        if node.id in FUNCTIONS:
            return self.refusal(
                node, f"`{node.id}` is a function: write {FUNCTIONS[node.id].forms[0]}."
            )
        near = suggest(node.id, [*self.scope.visible(), *self.items, "True", "False", "None"])
        listed = ", ".join(self.scope.visible())
        return self.refusal(
            node,
            f"There is no `{node.id[:60]}` in {self.scope.where}.",
            near or f"There are: {listed}.",
        )

    def _attribute(self, node: ast.Attribute, known: Knowledge) -> Node:
        of = self.check(node.value, known)
        if isinstance(of.type, OptionalType):
            raise self.empty_refusal(of)
        start, end = self.source.span(node)
        at = end - len(node.attr)
        if not isinstance(of.type, RecordType):
            raise ExpressionError(
                f"{of.type:A} has no fields, so there is no `.{node.attr[:60]}`.",
                text=self.source.text,
                start=at,
                end=end,
            )
        kind = of.type.fields.get(node.attr)
        if kind is None:
            path = " ".join(self.source.segment(node.value).split())
            fields = of.type.fields
            raise ExpressionError(
                f"`{path}` has no field `{node.attr[:60]}`.",
                text=self.source.text,
                start=at,
                end=end,
                hint=suggest(node.attr, fields) or f"It has: {', '.join(fields)}.",
            )
        kind = self._narrowed(node, kind, known)
        return tree.Field(kind, start, end, of, node.attr, of.type.lookup)

    def _narrowed(self, node: ast.expr, kind: Type, known: Knowledge) -> Type:
        if isinstance(kind, OptionalType) and self._knows(
            key_of(node), known.present, self.assumed.present
        ):
            return kind.inner
        return kind

    def _unary(self, node: ast.UnaryOp, known: Knowledge) -> Node:
        of = self.check(node.operand, known)
        start, end = self.source.span(node)
        if isinstance(node.op, ast.Not):
            return tree.Not(BOOL, start, end, self.condition(of))
        of = self.fit(of, NUMBER)
        if isinstance(of, tree.Constant):
            return tree.Constant(of.type, start, end, -of.value if of.value else of.value)
        return tree.Negative(of.type, start, end, of)

    def condition(self, node: Node) -> Node:
        """The part as a condition; nothing else is ever taken for true or false."""
        if isinstance(node.type, BoolType):
            return node
        inner = without_empty(node.type)
        text = " ".join(self.source.text[node.start : node.end].split())[:60]
        hint = f"Compare it, e.g. `{text} > 0`." if isinstance(inner, NumberType) else ""
        if isinstance(inner, ListType):
            hint = f"Write `count({text}) > 0`."
        elif isinstance(node.type, OptionalType):
            hint = f"Write `{text} is not None`."
        elif isinstance(inner, TextType):
            hint = f'Write `{text} != ""`.'
        raise self.refusal(node, f"A condition is needed here, but this is {node.type:a}.", hint)

    def _list(self, node: ast.List, known: Knowledge) -> Node:
        raise self.refusal(node, "A list in square brackets only stands after `in`.")

    def _generator(self, node: ast.GeneratorExp, known: Knowledge) -> Node:
        raise self.refusal(
            node, "`… for x in list` only stands alone inside any, all, sum, count, min or max."
        )


_CHECKS: dict[type[ast.expr], CheckPart] = {
    ast.Constant: Checker._constant,
    ast.Name: Checker._name,
    ast.Attribute: Checker._attribute,
    ast.UnaryOp: Checker._unary,
    ast.List: Checker._list,
    ast.GeneratorExp: Checker._generator,
}
"""How each kind of syntax is checked; comparisons and calls add themselves from their files."""


def checks(kind: type[ast.expr]) -> Callable[[CheckPart], CheckPart]:
    """Registers the check of a kind of syntax that has a file of its own."""

    def register(check: CheckPart) -> CheckPart:
        _CHECKS[kind] = check
        return check

    return register
