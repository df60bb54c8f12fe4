"""Checks comparisons: `==` and its kin, `is None`, and `in`."""

from __future__ import annotations

import ast
from dataclasses import replace

from rules.language import tree
from rules.language.check import Checker, checks
from rules.language.narrowing import Knowledge, key_of
from rules.language.tree import Node
from rules.language.types import (
    BOOL,
    ORDERED,
    DateType,
    EmptyType,
    InstantType,
    ListType,
    OptionalType,
    RecordType,
    TextType,
    Type,
)

_COMPARING: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip


@checks(ast.Compare)
def check_comparison(checker: Checker, node: ast.Compare, known: Knowledge) -> Node:
    """One comparison or several in a row, of values that can be compared."""
    start, end = checker.source.span(node)
    first = node.ops[0]
    if len(node.ops) == 1 and isinstance(first, (ast.Is, ast.IsNot)):
        return _check_is(checker, node, known)
    if len(node.ops) == 1 and isinstance(first, (ast.In, ast.NotIn)):
        return _check_in(checker, node, known)
    names = [_COMPARING[type(one)] for one in node.ops if type(one) in _COMPARING]
    if len(names) < len(node.ops):
        raise checker.refusal(node, "`is` and `in` stand alone: join comparisons with `and`.")
    operands = [checker.check(one, known) for one in (node.left, *node.comparators)]
    for at, name in enumerate(names):
        operands[at], operands[at + 1] = _comparable(checker, operands[at], operands[at + 1], name)
    return tree.Comparison(BOOL, start, end, tuple(names), tuple(operands))


def _comparable(checker: Checker, left: Node, right: Node, operator: str) -> tuple[Node, Node]:
    for side in (left, right):
        if isinstance(side.type, EmptyType):
            raise checker.refusal(side, "Nothing equals None: write `is None` or `is not None`.")
    for side in (left, right):
        if isinstance(side.type, OptionalType):
            raise checker.empty_refusal(side)
        if isinstance(side.type, (ListType, RecordType)):
            raise checker.refusal(side, f"{side.type:A} cannot be compared.")
    left, right = _align(checker, left, right)
    if left.type != right.type:
        raise checker.refusal(right, f"{left.type:A} cannot be compared with {right.type:a}.")
    if operator not in {"==", "!="} and not isinstance(left.type, ORDERED):
        raise checker.refusal(
            left, f"{left.type:A} has no order: `{operator}` compares numbers and dates."
        )
    return left, right


def _align(checker: Checker, left: Node, right: Node) -> tuple[Node, Node]:
    """Reads a date text beside a date, and holds a text against what the other can be."""
    if isinstance(right, tree.Constant) and isinstance(right.type, TextType):
        return left, checker.fit(right, left.type) if _reads(left.type) else right
    if isinstance(left, tree.Constant) and isinstance(left.type, TextType):
        return checker.fit(left, right.type) if _reads(right.type) else left, right
    return left, right


def _check_is(checker: Checker, node: ast.Compare, known: Knowledge) -> Node:
    value, right = node.left, node.comparators[0]
    if not (isinstance(right, ast.Constant) and right.value is None):
        raise checker.refusal(right, "`is` only asks whether a value is None: compare with `==`.")
    # That an earlier condition already settled it does not make the test wrong.
    unsettled = replace(known, present=known.present - {key_of(value)})
    checked = checker.check(value, unsettled)
    if not isinstance(checked.type, OptionalType):
        raise checker.refusal(checked, f"This {checked.type} is never empty: leave the test out.")
    negated = isinstance(node.ops[0], ast.IsNot)
    return tree.IsEmpty(BOOL, *checker.source.span(node), checked, negated)


def _check_in(checker: Checker, node: ast.Compare, known: Knowledge) -> Node:
    item, right = checker.check(node.left, known), node.comparators[0]
    negated = isinstance(node.ops[0], ast.NotIn)
    start, end = checker.source.span(node)
    if isinstance(right, ast.List):
        if not right.elts:
            raise checker.refusal(right, "The list is empty: nothing is ever in it.")
        options = []
        for one in right.elts:
            item, option = _comparable(checker, item, checker.check(one, known), "==")
            options.append(option)
        return tree.Membership(BOOL, start, end, item, tuple(options), None, negated)
    container = checker.check(right, known)
    if isinstance(container.type, OptionalType):
        raise checker.empty_refusal(container)
    if isinstance(container.type, TextType):
        raise checker.refusal(container, "`in` looks into lists: write contains(text, part).")
    if not isinstance(container.type, ListType):
        raise checker.refusal(container, f"`in` looks into lists, but this is {container.type:a}.")
    item = checker.fit(item, container.type.item)
    if isinstance(item.type, RecordType):
        raise checker.refusal(item, f"{item.type:A} cannot be compared.")
    return tree.Membership(BOOL, start, end, item, (), container, negated)


def _reads(kind: Type) -> bool:
    return isinstance(kind, (InstantType, DateType)) or (
        isinstance(kind, TextType) and bool(kind.choices)
    )
