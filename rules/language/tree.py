"""The typed tree: what the checker yields, the compiler compiles and explanations walk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from rules.language.types import Type

Environment = list[Any]
"""The values of one evaluation: a slot for each name, `let` and generator."""

Run = Callable[[Environment], Any]

NOWHERE = -1
"""The place of a part that is not in the text, but understood."""

UNSET: Any = object()
"""Fills the slot of a `let` until it is first asked for."""


@dataclass(frozen=True, slots=True)
class Node:
    """A checked part of an expression, with its type and its place in the text."""

    type: Type
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A literal."""

    value: Any


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """A name of the scope or of a generator."""

    name: str
    slot: int
    is_item: bool = False


@dataclass(frozen=True, slots=True)
class Named(Node):
    """A `let`: worked out when first asked for, then kept for the event."""

    name: str
    slot: int
    run: Run


@dataclass(frozen=True, slots=True)
class Field(Node):
    """A declared field of a record, or the key of a map."""

    of: Node
    name: str
    is_key: bool


@dataclass(frozen=True, slots=True)
class Not(Node):
    """The opposite of a condition."""

    of: Node


@dataclass(frozen=True, slots=True)
class Negative(Node):
    """A number with its sign turned."""

    of: Node


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """Two numbers and an operator."""

    operator: Literal["+", "-", "*", "/", "%"]
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """One or more comparisons in a row: `1 < x <= 5`."""

    operators: tuple[str, ...]
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Junction(Node):
    """Conditions joined by `and` (all) or `or` (any)."""

    is_all: bool
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Default(Node):
    """A value, or another one where it is empty: `member.email or "none"`."""

    value: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """`a if test else b`."""

    test: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Membership(Node):
    """`x in [a, b]` or `x in list_field`; `options` for the first, `container` for the second."""

    item: Node
    options: tuple[Node, ...]
    container: Node | None
    negated: bool


@dataclass(frozen=True, slots=True)
class IsEmpty(Node):
    """`x is None` and `x is not None`."""

    of: Node
    negated: bool


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function of the table with its arguments; `can_fail` unless it takes any value."""

    function: str
    call: Callable[..., Any]
    arguments: tuple[Node, ...]
    can_fail: bool = True


@dataclass(frozen=True, slots=True)
class Aggregate(Node):
    """any, all, sum, count, min or max over a list; `element` is worked out for each item."""

    function: str
    source: Node
    slot: int
    element: Node
    conditions: tuple[Node, ...]


def children(node: Node) -> tuple[Node, ...]:
    """The parts directly below a node, in the order of the text."""
    match node:
        case Field(of=of) | Not(of=of) | Negative(of=of) | IsEmpty(of=of):
            return (of,)
        case Arithmetic(left=left, right=right):
            return (left, right)
        case Comparison(operands=operands):
            return operands
        case Junction(parts=parts):
            return parts
        case Default(value=value, otherwise=otherwise):
            return (value, otherwise)
        case Choice(test=test, then=then, otherwise=otherwise):
            return (then, test, otherwise)
        case Membership(item=item, options=options, container=container):
            return (item, *options, *((container,) if container else ()))
        case Call(arguments=arguments):
            return arguments
        case Aggregate(source=source, element=element, conditions=conditions):
            return (element, source, *conditions)
    return ()


def path_of(node: Node) -> tuple[int, str] | None:
    """The slot and dotted attributes of a path that is one `attrgetter`."""
    names: list[str] = []
    while isinstance(node, Field) and not node.is_key:
        names.append(node.name)
        node = node.of
    if isinstance(node, Variable) and names:
        return node.slot, ".".join(reversed(names))
    return None


def looks_only_at(slot: int, node: Node) -> bool:
    """Whether the node's value depends on what is in the slot, and on nothing else."""
    if isinstance(node, (Variable, Named)):
        return node.slot == slot
    return all(looks_only_at(slot, one) for one in children(node))
