"""What a condition teaches: after `x is not None` x is there, after `x > 0` x is not zero."""

from __future__ import annotations

import ast
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Expressions known to be there and known not to be zero, each by its syntax."""

    present: frozenset[str] = frozenset()
    nonzero: frozenset[str] = frozenset()

    def __or__(self, other: Knowledge) -> Knowledge:
        return Knowledge(present=self.present | other.present, nonzero=self.nonzero | other.nonzero)

    def without(self, name: str) -> Knowledge:
        """What stays known where the name stands for something else: the items of a list."""
        mark = f"Name(id={name!r}"
        return Knowledge(
            present=frozenset(key for key in self.present if mark not in key),
            nonzero=frozenset(key for key in self.nonzero if mark not in key),
        )


NOTHING_KNOWN = Knowledge()

_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE,
    ast.Eq: ast.Eq, ast.NotEq: ast.NotEq,
}  # fmt: skip
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


def key_of(node: ast.expr) -> str:
    """The identity of an expression: all of them are pure, so equal syntax is equal value."""
    return ast.dump(node)


def learn(node: ast.expr, *, holds: bool) -> Knowledge:
    """What is known once a condition is known to hold, or not to hold."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return learn(node.operand, holds=not holds)
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And) == holds:
        known = NOTHING_KNOWN
        for part in node.values:
            known |= learn(part, holds=holds)
        return known
    if isinstance(node, ast.Compare):
        return _learn_comparison(node, holds=holds)
    return NOTHING_KNOWN


def _learn_comparison(node: ast.Compare, *, holds: bool) -> Knowledge:
    if not holds and len(node.ops) > 1:
        return NOTHING_KNOWN
    known = NOTHING_KNOWN
    operands = [node.left, *node.comparators]
    for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
        kind: type[ast.cmpop] | None = type(operator)
        if not holds:
            kind = _OPPOSITE.get(type(operator))
        if kind is None:
            continue
        if kind is ast.IsNot and isinstance(right, ast.Constant) and right.value is None:
            known |= Knowledge(present=frozenset({key_of(left)}))
        elif _rules_out_zero(kind, _number(right)):
            known |= Knowledge(nonzero=frozenset({key_of(left)}))
        elif _rules_out_zero(_TURNED.get(kind), _number(left)):
            known |= Knowledge(nonzero=frozenset({key_of(right)}))
    return known


def _number(node: ast.expr) -> float | None:
    """A literal's value; only its sign is looked at, so that a float will do."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    return None


def _rules_out_zero(kind: type[ast.cmpop] | None, bound: float | None) -> bool:
    if kind is None or bound is None:
        return False
    return {
        ast.NotEq: bound == 0,
        ast.Eq: bound != 0,
        ast.Gt: bound >= 0,
        ast.GtE: bound > 0,
        ast.Lt: bound <= 0,
        ast.LtE: bound < 0,
    }.get(kind, False)
