"""Checks calls: functions of the table, and any, all, sum, count, min and max over lists."""

from __future__ import annotations

import ast
import re

from rules.language import tree
from rules.language.check import Checker, checks
from rules.language.errors import ExpressionError, suggest
from rules.language.functions import FUNCTIONS, Parameter, Signature
from rules.language.narrowing import Knowledge, learn
from rules.language.tree import Node
from rules.language.types import (
    BOOL,
    NUMBER,
    ORDERED,
    ListType,
    NumberType,
    OptionalType,
    TextType,
    Type,
    accepts,
)

_ITEM_NAME = re.compile(r"[a-z][a-z0-9_]*")


@checks(ast.Call)
def check_call(checker: Checker, node: ast.Call, known: Knowledge) -> Node:
    """A call of a function that exists, with arguments that suit it."""
    if not isinstance(node.func, ast.Name):
        raise checker.refusal(node.func, "Only functions of the language can be called.")
    name = node.func.id
    if name not in FUNCTIONS:
        near = suggest(name, FUNCTIONS)
        raise checker.refusal(node.func, f"There is no function `{name[:60]}`.", near)
    if not FUNCTIONS[name].signatures:
        return _check_over_list(checker, node, name, known)
    arguments = [checker.check(one, known) for one in node.args]
    signature = _choose(checker, node, arguments)
    can_fail = any(not isinstance(one.type, TextType) for one in signature.parameters)
    fitted = tuple(
        _argument(checker, given, wanted)
        for given, wanted in zip(arguments, signature.parameters, strict=False)
    )
    return tree.Call(
        signature.returns, *checker.source.span(node), name, signature.call, fitted, can_fail
    )


def _choose(checker: Checker, node: ast.Call, arguments: list[Node]) -> Signature:
    """The signature that suits; among several of the right length, by the given types."""
    assert isinstance(node.func, ast.Name)
    function = FUNCTIONS[node.func.id]
    fitting = [
        one for one in function.signatures if one.needed <= len(arguments) <= len(one.parameters)
    ]
    if not fitting:
        forms = " or ".join(function.forms)
        raise checker.refusal(node, f"`{node.func.id}` is called otherwise: {forms}.")
    for signature in fitting:
        pairs = zip(arguments, signature.parameters, strict=False)
        if all(accepts(wanted.type, given.type) for given, wanted in pairs):
            return signature
    return fitting[0]


def _argument(checker: Checker, given: Node, wanted: Parameter) -> Node:
    node = checker.fit(given, wanted.type)
    if wanted.check and isinstance(node, tree.Constant):
        problem = wanted.check.problem(node.value)
        if problem:
            raise checker.refusal(node, f"{problem[0].upper()}{problem[1:]}.")
    return node


def _check_over_list(checker: Checker, node: ast.Call, name: str, known: Knowledge) -> Node:
    if name in {"min", "max"} and len(node.args) > 1:
        return _check_extreme(checker, node, name, known)
    if len(node.args) != 1:
        raise _form_refusal(checker, node, name)
    only = node.args[0]
    if isinstance(only, ast.GeneratorExp):
        if name == "len":
            raise checker.refusal(node, "`len` takes a list: write count(x for x in list if …).")
        return _check_generator(checker, node, only, name, known)
    if name in {"any", "all"}:
        raise _form_refusal(checker, node, name)
    source = _list(checker, only, known)
    assert isinstance(source.type, ListType)
    item = source.type.item
    start, end = checker.source.span(node)
    if name in {"count", "len"}:
        return tree.Call(NUMBER, start, end, name, len, (source,))
    slot = checker.scope.slots.take()
    element = tree.Variable(item, source.start, source.end, "item", slot, True)
    kind = _aggregate_type(checker, name, element)
    return tree.Aggregate(kind, start, end, name, source, slot, element, ())


def _check_extreme(checker: Checker, node: ast.Call, name: str, known: Knowledge) -> Node:
    """min or max of several values: of numbers, of instants or of dates."""
    first = checker.check(node.args[0], known)
    if isinstance(first.type, OptionalType):
        raise checker.empty_refusal(first)
    if not isinstance(first.type, ORDERED):
        raise checker.refusal(
            first, f"A {first.type} has no order: `{name}` takes numbers or dates."
        )
    rest = [checker.fit(checker.check(one, known), first.type) for one in node.args[1:]]
    arguments = (first, *rest)
    kind: Type = first.type
    if isinstance(kind, NumberType):
        sure = any(
            isinstance(one, tree.Constant) and (one.value > 0 if name == "max" else one.value < 0)
            for one in arguments
        )
        kind = NumberType(nonzero=sure)
    call = max if name == "max" else min
    return tree.Call(kind, *checker.source.span(node), name, call, arguments)


def _form_refusal(checker: Checker, node: ast.Call, name: str) -> ExpressionError:
    return checker.refusal(
        node, f"`{name}` is called otherwise: {' or '.join(FUNCTIONS[name].forms)}."
    )


def _list(checker: Checker, node: ast.expr, known: Knowledge) -> Node:
    part = node
    while isinstance(part, ast.Attribute):
        part = part.value
    if not isinstance(part, ast.Name):
        raise checker.refusal(node, "A list field is needed here, such as `order.lines`.")
    source = checker.check(node, known)
    if isinstance(source.type, OptionalType):
        raise checker.empty_refusal(source)
    if not isinstance(source.type, ListType):
        raise checker.refusal(source, f"A list is needed here, but this is a {source.type}.")
    return source


def _check_generator(
    checker: Checker, call: ast.Call, node: ast.GeneratorExp, name: str, known: Knowledge
) -> Node:
    if checker.items:
        raise checker.refusal(
            call, "A list inside a list is too much: name the inner one with `let`."
        )
    if len(node.generators) != 1 or node.generators[0].is_async:
        raise checker.refusal(node, "Only one `for … in …` is allowed.")
    loop = node.generators[0]
    source = _list(checker, loop.iter, known)
    assert isinstance(source.type, ListType)
    item = _item(checker, loop.target, source.type.item)
    checker.items[item.name] = item
    try:
        conditions = []
        for test in loop.ifs:
            conditions.append(checker.condition(checker.check(test, known)))
            known |= learn(test, holds=True)
        element = checker.check(node.elt, known)
    finally:
        checker.items.clear()
    if name == "count" and not isinstance(element, tree.Variable):
        raise checker.refusal(
            element, f"`count` counts items: write count({item.name} for … if condition)."
        )
    kind = _aggregate_type(checker, name, element)
    start, end = checker.source.span(call)
    return tree.Aggregate(kind, start, end, name, source, item.slot, element, tuple(conditions))


def _item(checker: Checker, target: ast.expr, kind: Type) -> tree.Variable:
    if not isinstance(target, ast.Name) or not _ITEM_NAME.fullmatch(target.id):
        raise checker.refusal(target, "The item gets one plain name, such as `line`.")
    if target.id in FUNCTIONS or target.id in checker.scope.visible():
        raise checker.refusal(target, f"`{target.id}` is taken: choose another name.")
    start, end = checker.source.span(target)
    return tree.Variable(kind, start, end, target.id, checker.scope.slots.take(), True)


def _aggregate_type(checker: Checker, name: str, element: Node) -> Type:
    if name in {"any", "all"}:
        checker.condition(element)
        return BOOL
    if name == "count":
        return NUMBER
    if name == "sum":
        checker.fit(element, NUMBER)
        return NUMBER
    if isinstance(element.type, OptionalType):
        raise checker.empty_refusal(element)
    if not isinstance(element.type, ORDERED):
        raise checker.refusal(
            element, f"A {element.type} has no order: `{name}` takes numbers or dates."
        )
    return OptionalType(inner=element.type)
