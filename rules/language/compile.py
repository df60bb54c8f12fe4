"""From a typed tree to closures. Each one reads the environment and calls its parts.

The closures are specialised where it pays (a path of fields is one `attrgetter`, a comparison
with a literal does not call anything for it), because live posting runs them for every order.
"""

from __future__ import annotations

import decimal
import operator
from collections.abc import Callable
from typing import Any

# The functions, and the checks of calls, comparisons and operators, register themselves on import.
from rules.language import (  # noqa: F401
    calls,
    comparisons,
    functions_of_numbers,
    functions_of_texts,
    functions_of_time,
    operators,
    tree,
)
from rules.language.aggregate import Walk, aggregate
from rules.language.arithmetic import EXACT, OPERATORS, problem_of
from rules.language.check import Checker
from rules.language.errors import RuleRuntimeError
from rules.language.expression import Expression
from rules.language.functions import FunctionFailed
from rules.language.narrowing import NOTHING_KNOWN, Knowledge, learn
from rules.language.parse import parse
from rules.language.scope import Scope
from rules.language.tree import UNSET, Environment, Node, Run
from rules.language.types import BOOL, TextType, Type, without_empty

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def compile_expression(
    text: str,
    scope: Scope,
    *,
    expects: Type | None = None,
    assumed: Knowledge = NOTHING_KNOWN,
) -> Expression:
    """Reads, checks and compiles an expression.

    Args:
        text: What somebody wrote.
        scope: The names it sees.
        expects: The type it must yield; None for any. `SCALAR` allows an empty value.
        assumed: What earlier conditions established (`Expression.if_true`).

    Raises:
        ExpressionError: It is refused; the error shows the place and what would do.
    """
    source = parse(text)
    outer = scope.parent or scope
    checker = Checker(
        source,
        scope,
        assumed=assumed,
        read_let=lambda inner: compile_expression(inner, outer),
    )
    node = checker.check(source.tree, assumed)
    if expects == BOOL:
        node = checker.condition(node)
    elif expects is not None:
        node = checker.fit(node, expects)
    return Expression(
        text=text.strip(),
        type=node.type,
        run=Compiler(source.text).compile(node),
        node=node,
        if_true=learn(source.tree, holds=True),
        if_false=learn(source.tree, holds=False),
        leans=checker.leans,
    )


def _itself(value: Any) -> Any:
    return value


class Compiler:
    """Compiles the nodes of one expression.

    Args:
        text: For the errors of a run.
        item: The slot of an item on which all of it depends, and on nothing else: the closures
            take the item itself in place of the environment.
    """

    def __init__(self, text: str, *, item: int | None = None) -> None:
        self.text = text
        self.item = item

    def compile(self, node: Node) -> Run:
        """The closure of a node."""
        return _COMPILES[type(node)](self, node)

    def failed(self, node: Node, problem: str) -> RuleRuntimeError:
        """What a closure raises when the node has no value for this event."""
        return RuleRuntimeError(problem, text=self.text, start=node.start, end=node.end)

    def constant(self, node: tree.Constant) -> Run:
        value = node.value
        return lambda env: value

    def variable(self, node: tree.Variable) -> Run:
        slot = node.slot
        return _itself if slot == self.item else lambda env: env[slot]

    def named(self, node: tree.Named) -> Run:
        slot, work_out = node.slot, node.run

        def run(env: Environment) -> Any:
            value = env[slot]
            if value is UNSET:
                value = env[slot] = work_out(env)
            return value

        return run

    def field(self, node: tree.Field) -> Run:
        if path := tree.path_of(node):
            slot, get = path[0], operator.attrgetter(path[1])
            if slot == self.item:
                return get
            return lambda env: get(env[slot])
        of, name = self.compile(node.of), node.name
        if node.is_key:
            return lambda env: of(env).get(name)
        get = operator.attrgetter(name)
        return lambda env: get(of(env))

    def inverse(self, node: tree.Not) -> Run:
        of = self.compile(node.of)
        return lambda env: not of(env)

    def negative(self, node: tree.Negative) -> Run:
        of = self.compile(node.of)

        def run(env: Environment) -> Any:
            try:
                return EXACT.minus(of(env))
            except decimal.DecimalException as error:
                raise self.failed(node, problem_of(error)) from None

        return run

    def arithmetic(self, node: tree.Arithmetic) -> Run:
        left, right = self.compile(node.left), self.compile(node.right)
        work_out = OPERATORS[node.operator]

        def run(env: Environment) -> Any:
            try:
                return work_out(left(env), right(env))
            except decimal.DecimalException as error:
                raise self.failed(node, problem_of(error)) from None

        return run

    def comparison(self, node: tree.Comparison) -> Run:
        if len(node.operators) > 1:
            return self._chain(node)
        compare = _COMPARE[node.operators[0]]
        first, second = node.operands
        left = self.compile(first)
        if isinstance(second, tree.Constant):
            value = second.value
            return lambda env: compare(left(env), value)
        right = self.compile(second)
        return lambda env: compare(left(env), right(env))

    def _chain(self, node: tree.Comparison) -> Run:
        first, *others = [self.compile(one) for one in node.operands]
        steps = tuple(zip((_COMPARE[one] for one in node.operators), others, strict=True))

        def run(env: Environment) -> bool:
            left = first(env)
            for compare, other in steps:
                right = other(env)
                if not compare(left, right):
                    return False
                left = right
            return True

        return run

    def junction(self, node: tree.Junction) -> Run:
        parts = tuple(self.compile(one) for one in node.parts)
        stop = not node.is_all

        def run(env: Environment) -> bool:
            for part in parts:
                if part(env) is stop:
                    return stop
            return not stop

        return run

    def default(self, node: tree.Default) -> Run:
        value, otherwise = self.compile(node.value), self.compile(node.otherwise)
        is_text = isinstance(without_empty(node.value.type), TextType)

        def run(env: Environment) -> Any:
            found = value(env)
            return otherwise(env) if found is None or (is_text and not found) else found

        return run

    def choice(self, node: tree.Choice) -> Run:
        test, then, otherwise = map(self.compile, (node.test, node.then, node.otherwise))
        return lambda env: then(env) if test(env) else otherwise(env)

    def membership(self, node: tree.Membership) -> Run:
        item, negated = self.compile(node.item), node.negated
        if node.container:
            container = self.compile(node.container)
            return lambda env: (item(env) in container(env)) is not negated
        if all(isinstance(one, tree.Constant) for one in node.options):
            values = frozenset(one.value for one in node.options if isinstance(one, tree.Constant))
            return lambda env: (item(env) in values) is not negated
        options = tuple(self.compile(one) for one in node.options)

        def run(env: Environment) -> bool:
            wanted = item(env)
            return any(option(env) == wanted for option in options) is not negated

        return run

    def is_empty(self, node: tree.IsEmpty) -> Run:
        of, negated = self.compile(node.of), node.negated
        return lambda env: (of(env) is None) is not negated

    def call(self, node: tree.Call) -> Run:
        call = self._applied(node)

        def run(env: Environment) -> Any:
            try:
                return call(env)
            except FunctionFailed as error:
                raise self.failed(node, f"{error}") from None
            except decimal.DecimalException as error:
                raise self.failed(node, problem_of(error)) from None

        return run if node.can_fail else call

    def _applied(self, node: tree.Call) -> Run:
        arguments, call = tuple(self.compile(one) for one in node.arguments), node.call
        if len(arguments) == 1:
            only = arguments[0]
            return lambda env: call(only(env))
        if len(arguments) == 2:
            first, second = arguments
            last = node.arguments[1]
            if isinstance(last, tree.Constant):
                value = last.value
                return lambda env: call(first(env), value)
            return lambda env: call(first(env), second(env))
        return lambda env: call(*[argument(env) for argument in arguments])

    def aggregate(self, node: tree.Aggregate) -> Run:
        parts = (node.element, *node.conditions)
        is_alone = all(tree.looks_only_at(node.slot, one) for one in parts)
        inner = Compiler(self.text, item=node.slot) if is_alone else self
        element, *conditions = [inner.compile(one) for one in parts]
        walk = Walk(self.compile(node.source), element, conditions, None if is_alone else node.slot)
        run = aggregate(node.function, walk)
        if node.function != "sum":
            return run

        def checked(env: Environment) -> Any:
            try:
                return run(env)
            except decimal.DecimalException as error:
                raise self.failed(node, problem_of(error)) from None

        return checked


_COMPILES: dict[type[Node], Callable[[Compiler, Any], Run]] = {
    tree.Constant: Compiler.constant,
    tree.Variable: Compiler.variable,
    tree.Named: Compiler.named,
    tree.Field: Compiler.field,
    tree.Not: Compiler.inverse,
    tree.Negative: Compiler.negative,
    tree.Arithmetic: Compiler.arithmetic,
    tree.Comparison: Compiler.comparison,
    tree.Junction: Compiler.junction,
    tree.Default: Compiler.default,
    tree.Choice: Compiler.choice,
    tree.Membership: Compiler.membership,
    tree.IsEmpty: Compiler.is_empty,
    tree.Call: Compiler.call,
    tree.Aggregate: Compiler.aggregate,
}
