"""Checks calls: functions of the table, and any, all, sum, count, min and max over lists."""

from __future__ import annotations

import ast
import re

from rules.language import tree
from rules.language.check import Checker, checks
from rules.language.errors import ExpressionError, suggest
from rules.language.functions import FUNCTIONS, Parameter, Signature
from rules.language.narrowing import Knowledge, learn
from rules.language.tree import NOWHERE, Node
from rules.language.types import (
    BOOL,
    NUMBER,
    ORDERED,
    ListType,
    NumberType,
    OptionalType,
    RecordType,
    TextType,
    Type,
    accepts,
    is_scalar,
    reads_as,
    without_empty,
)

_ELSEWHERE = {
    "round": "Write round_half_up or round_half_even, which say what becomes of a half.",
    "int": "Write floor.", "str": "Values become text in the template of the message.",
    "float": "Numbers are exact here: leave it out.", "decimal": "Leave it out.",
    "now": "Write event.time.", "today": "Write date_of(event.time).",
    "strip": "Write trim.", "average": "Write sum(…) / max(count(…), 1).",
    "avg": "Write sum(…) / max(count(…), 1).", "set": "Write distinct.",
    "if": "Write `a if condition else b`.", "iif": "Write `a if condition else b`.",
    "coalesce": "Write `value or default`.", "regex": "Write matches, with `*` and `?`.",
}  # fmt: skip
"""What people bring along from other languages."""

_ITEM_NAME = re.compile(r"[a-z][a-z0-9_]*")


@checks(ast.Call)
def check_call(checker: Checker, node: ast.Call, known: Knowledge) -> Node:
    """A call of a function that exists, with arguments that suit it."""
    if not isinstance(node.func, ast.Name):
        raise checker.refusal(
            node.func, "Only functions of the language can be called.", _as_function(checker, node)
        )
    name = node.func.id
    if name not in FUNCTIONS:
        near = _ELSEWHERE.get(name.lower()) or suggest(name, FUNCTIONS)
        raise checker.refusal(node.func, f"There is no function `{name[:60]}`.", near)
    if not FUNCTIONS[name].signatures:
        return _check_over_list(checker, node, name, known)
    arguments = [checker.check(one, known) for one in node.args]
    signature = _choose(checker, node, arguments)
    arguments.extend(_usual(checker, node, signature, len(arguments)))
    fitted = tuple(
        _argument(checker, given, wanted)
        for given, wanted in zip(arguments, signature.parameters, strict=False)
    )
    start, end = checker.source.span(node)
    return tree.Call(
        signature.returns, start, end, name, signature.call, fitted, signature.can_fail
    )


def _as_function(checker: Checker, node: ast.Call) -> str:
    """What `text.startswith(part)` is here: `starts_with(text, part)`."""
    if not isinstance(node.func, ast.Attribute):
        return ""
    wanted = node.func.attr
    name = next((one for one in FUNCTIONS if one.replace("_", "") == wanted.replace("_", "")), "")
    if not name:
        return _ELSEWHERE.get(wanted.lower(), "")
    parts = [node.func.value, *node.args]
    written = ", ".join(" ".join(checker.source.segment(one).split()) for one in parts)
    return f"Write {name}({written[:60]})."


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

    def suits(signature: Signature) -> int:
        pairs = zip(arguments, signature.parameters, strict=False)
        return sum(_suits(given, wanted.type) for given, wanted in pairs)

    return max(fitting, key=suits)


def _suits(given: Node, wanted: Type) -> bool:
    if isinstance(given, tree.Constant) and isinstance(given.value, str):
        return reads_as(given.value, wanted)
    return accepts(wanted, without_empty(given.type))


def _usual(checker: Checker, node: ast.Call, signature: Signature, given: int) -> list[Node]:
    """The fields of the event that stand in for arguments that are left out."""
    left_out = signature.parameters[given:]
    names = checker.scope.names
    if any(one.usual and one.usual.split(".")[0] not in names for one in left_out):
        raise checker.refusal(node, "All arguments are needed here.")
    return [_field(checker, one.usual) for one in left_out if one.usual]


def _field(checker: Checker, path: str) -> Node:
    root, field = path.split(".")
    name = checker.scope.names[root]
    assert isinstance(name.type, RecordType)
    # They are not in the text, so they have no place in it.
    of = tree.Variable(name.type, NOWHERE, NOWHERE, root, name.slot)
    return tree.Field(name.type.fields[field], NOWHERE, NOWHERE, of, field, False)


def _argument(checker: Checker, given: Node, wanted: Parameter) -> Node:
    node = checker.fit(given, wanted.type)
    if wanted.check and isinstance(node, tree.Constant):
        problem = wanted.check.problem(node.value)
        if problem:
            end = "" if problem.endswith("?") else "."
            raise checker.refusal(node, f"{problem[0].upper()}{problem[1:]}{end}")
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
            first, f"{first.type:A} has no order: `{name}` takes numbers or dates."
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
        hint = "Write length(text)." if isinstance(source.type, TextType) else ""
        raise checker.refusal(source, f"A list is needed here, but this is {source.type:a}.", hint)
    return source


def _check_generator(
    checker: Checker, call: ast.Call, node: ast.GeneratorExp, name: str, known: Knowledge
) -> Node:
    if checker.items:
        raise checker.refusal(
            call,
            "A list inside a list is too much: ask with `in` whether a value is in the inner "
            "one, or name what does not depend on the item with `let`.",
        )
    if len(node.generators) != 1 or node.generators[0].is_async:
        raise checker.refusal(node, "Only one `for … in …` is allowed.")
    loop = node.generators[0]
    source = _list(checker, loop.iter, known)
    assert isinstance(source.type, ListType)
    item = _item(checker, loop.target, source.type.item)
    checker.items[item.name] = item
    known = known.without(item.name)
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
    if name == "distinct":
        return _distinct_type(checker, element)
    if name == "sum":
        checker.fit(element, NUMBER)
        return NUMBER
    if isinstance(element.type, OptionalType):
        raise checker.empty_refusal(element)
    if not isinstance(element.type, ORDERED):
        raise checker.refusal(
            element, f"{element.type:A} has no order: `{name}` takes numbers or dates."
        )
    return OptionalType(inner=element.type)


def _distinct_type(checker: Checker, element: Node) -> Type:
    if isinstance(element.type, OptionalType):
        raise checker.empty_refusal(element)
    if not is_scalar(element.type):
        raise checker.refusal(element, f"{element.type:A} cannot be compared.")
    return NUMBER
