"""Checks operators: arithmetic, `and` and `or`, and `a if test else b`."""

from __future__ import annotations

import ast
from typing import Any

from rules.language import tree
from rules.language.check import Checker, checks
from rules.language.narrowing import Knowledge, learn
from rules.language.tree import Node
from rules.language.types import (
    BOOL,
    NUMBER,
    BoolType,
    EmptyType,
    NumberType,
    OptionalType,
    TextType,
    is_scalar,
    join,
    without_empty,
)

_ARITHMETIC: dict[type[ast.operator], Any] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%",
}  # fmt: skip


@checks(ast.BinOp)
def check_arithmetic(checker: Checker, node: ast.BinOp, known: Knowledge) -> Node:
    """Two numbers; a divisor must be known not to be zero."""
    left, right = checker.check(node.left, known), checker.check(node.right, known)
    for side in (left, right):
        if isinstance(side.type, TextType):
            raise checker.refusal(
                side,
                "Texts have no arithmetic: put them together in the template of the message.",
            )
    left, right = checker.fit(left, NUMBER), checker.fit(right, NUMBER)
    operator = _ARITHMETIC[type(node.op)]
    if operator in "/%" and not checker.is_nonzero(node.right, right, known):
        divisor = " ".join(checker.source.segment(node.right).split())[:60]
        hint = f"Test it first: `… if {divisor} > 0 else 0`."
        if isinstance(right, tree.Constant):
            hint = ""
        raise checker.refusal(right, f"The divisor `{divisor}` may be zero.", hint)
    both = all(isinstance(one.type, NumberType) and one.type.nonzero for one in (left, right))
    kind = NumberType(nonzero=both and operator == "*")
    return tree.Arithmetic(kind, *checker.source.span(node), operator, left, right)


@checks(ast.BoolOp)
def check_junction(checker: Checker, node: ast.BoolOp, known: Knowledge) -> Node:
    """Conditions, each seeing what those before it establish; or a value and its default."""
    start, end = checker.source.span(node)
    is_all = isinstance(node.op, ast.And)
    first = checker.check(node.values[0], known)
    if not is_all and not isinstance(first.type, BoolType):
        return _default(checker, node, first, known)
    parts = [checker.condition(first)]
    for before, value in zip(node.values, node.values[1:], strict=False):
        known |= learn(before, holds=is_all)
        parts.append(checker.condition(checker.check(value, known)))
    return tree.Junction(BOOL, start, end, is_all, tuple(parts))


def _default(checker: Checker, node: ast.BoolOp, value: Node, known: Knowledge) -> Node:
    start = value.start
    for one in node.values[1:]:
        inner = without_empty(value.type)
        if not isinstance(value.type, (OptionalType, TextType)) or not is_scalar(inner):
            raise checker.refusal(
                value,
                "`or` joins conditions, or gives a default for a text or for a value that "
                f"may be empty; this is {value.type:a}.",
            )
        if isinstance(inner, (BoolType, EmptyType)):
            raise checker.refusal(value, f"Test this {value.type} with `is None` first.")
        default = checker.check(one, known)
        if not isinstance(default.type, OptionalType):
            default = checker.fit(default, inner)
        elif default.type.inner != inner:
            raise checker.refusal(default, f"The default of {inner:a} is {inner:a} too.")
        joined = join(inner, default.type)
        assert joined is not None
        value = tree.Default(joined, start, default.end, value, default)
    return value


@checks(ast.IfExp)
def check_choice(checker: Checker, node: ast.IfExp, known: Knowledge) -> Node:
    """Two values of one type, each seeing what the test establishes."""
    test = checker.condition(checker.check(node.test, known))
    then = checker.check(node.body, known | learn(node.test, holds=True))
    otherwise = checker.check(node.orelse, known | learn(node.test, holds=False))
    kind = join(then.type, otherwise.type)
    if kind is None:
        raise checker.refusal(
            otherwise,
            f"Both sides of `if … else` are of one type, but these are "
            f"{then.type:a} and {otherwise.type:a}.",
        )
    return tree.Choice(kind, *checker.source.span(node), test, then, otherwise)
