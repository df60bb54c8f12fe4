"""Checks before a text is used that every name in it means something.

Jinja finds an unknown name only when the text is filled in, and only on the branch that is
taken: here the text is walked whole, with the models of what it may speak of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from jinja2 import nodes
from pydantic import BaseModel

from loyalty.texts import Source, tree_of

ANYTHING: Any = object()
"""The kind of what is not looked into: a number, a text, something worked out."""

_GLOBALS = frozenset({"range", "plural"})


@dataclass(frozen=True, slots=True)
class Names:
    """A record whose names are known: a model's fields, or the values that a text is given."""

    kinds: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Many:
    """A list of things of one kind."""

    kind: Any


@dataclass(frozen=True, slots=True)
class UnknownName:
    """A name that means nothing in a text."""

    source: Source
    part: str
    name: str
    hint: str

    def __str__(self) -> str:
        part = f" of {self.part}" if self.source.channel == "email" else ""
        return f"{self.source}{part}: there is no `{self.name}`{self.hint}"


def unknown_names(source: Source, scope: Mapping[str, Any]) -> tuple[UnknownName, ...]:
    """Every name of a text that is not there.

    Args:
        scope: What the text may speak of: models, dataclasses, `Names`, `Many` or `ANYTHING`.
    """
    found: dict[str, UnknownName] = {}
    for part, text in source.parts.items():
        tree = tree_of(text, part)
        walk = _Walk({**dict.fromkeys(_asked_for(tree), ANYTHING), **scope})
        walk.visit(tree)
        for name, hint in walk.unknown:
            # The plain-text part says what the HTML says: once is enough.
            found.setdefault(name, UnknownName(source, part, name, hint))
    return tuple(found.values())


def names_of(model: type, only: Sequence[str] = ()) -> Names:
    """A model's fields (of which `only` some) as names."""
    kinds = _kinds(model)
    return Names({name: kinds[name] for name in only} if only else kinds)


class _Walk:
    def __init__(self, scope: Mapping[str, Any]) -> None:
        self.scope = dict(scope)
        self.unknown: list[tuple[str, str]] = []

    def visit(self, node: nodes.Node, *, may_lack: bool = False) -> Any:
        match node:
            case nodes.Name(ctx="load"):
                return self._name(node.name, may_lack)
            case nodes.Getattr():
                return self._field(node.node, node.attr, may_lack)
            case nodes.Getitem(arg=nodes.Const(value=str(key))):
                return self._field(node.node, key, may_lack)
            case nodes.Filter(name="default" | "d") | nodes.Test(name="defined" | "undefined"):
                return self._children(node, may_lack=True)
            case nodes.For():
                return self._loop(node)
            case nodes.Assign(target=nodes.Name(name=name)):
                self.scope[name] = self.visit(node.node)
                return ANYTHING
        return self._children(node)

    def _children(self, node: nodes.Node, *, may_lack: bool = False) -> Any:
        first = getattr(node, "node", None)
        for child in node.iter_child_nodes():
            self.visit(child, may_lack=may_lack and child is first)
        return ANYTHING

    def _loop(self, node: nodes.For) -> Any:
        items = self.visit(node.iter)
        outside = dict(self.scope)
        kind = items.kind if isinstance(items, Many) else ANYTHING
        if isinstance(node.target, nodes.Name):
            self.scope[node.target.name] = kind
        else:
            self.scope |= dict.fromkeys(_targets(node.target), ANYTHING)
        self.scope["loop"] = ANYTHING
        for child in (*([node.test] if node.test else []), *node.body):
            self.visit(child)
        self.scope = outside
        for child in node.else_:
            self.visit(child)
        return ANYTHING

    def _name(self, name: str, may_lack: bool) -> Any:
        if name not in self.scope and name not in _GLOBALS and not may_lack:
            self.unknown.append((name, _hint(name, [*self.scope, *_GLOBALS])))
        return self.scope.get(name, ANYTHING)

    def _field(self, owner: nodes.Node, name: str, may_lack: bool) -> Any:
        kind = self.visit(owner)
        known = _kinds(kind)
        if known is ANYTHING or name in known:
            return known[name] if known is not ANYTHING else ANYTHING
        if not may_lack:
            self.unknown.append((f"{_written(owner)}.{name}", _hint(name, list(known))))
        return ANYTHING


def _kinds(kind: Any) -> Any:
    """The names that a kind has, with theirs; ANYTHING for what is not looked into."""
    if isinstance(kind, Names):
        return kind.kinds
    if not isinstance(kind, type) or not (issubclass(kind, BaseModel) or is_dataclass(kind)):
        return ANYTHING
    hints = get_type_hints(kind, include_extras=False)
    own = kind.model_fields if issubclass(kind, BaseModel) else [one.name for one in fields(kind)]
    reckoned = [name for name in dir(kind) if isinstance(getattr(kind, name, None), property)]
    return dict.fromkeys(reckoned, ANYTHING) | {name: _kind(hints[name]) for name in own}


def _kind(annotation: Any) -> Any:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0])
    if origin in (Union, UnionType):
        rest = [one for one in arguments if one is not type(None)]
        return _kind(rest[0]) if len(rest) == 1 else ANYTHING
    if origin in (tuple, list, Sequence):
        return Many(_kind(arguments[0]))
    return annotation if isinstance(annotation, type) else ANYTHING


def _asked_for(tree: nodes.Template) -> Iterator[str]:
    """Names that the text asks for by `is defined`: it knows what to do without them."""
    for test in tree.find_all(nodes.Test):
        if test.name == "defined" and isinstance(test.node, nodes.Name):
            yield test.node.name


def _targets(node: nodes.Node) -> Iterator[str]:
    return (one.name for one in node.find_all(nodes.Name))


def _written(node: nodes.Node) -> str:
    match node:
        case nodes.Name():
            return node.name
        case nodes.Getattr():
            return f"{_written(node.node)}.{node.attr}"
    return "…"


def _hint(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    if near:
        return f"; did you mean `{near[0]}`?"
    return f"; there are: {', '.join(sorted(known)[:20])}" if known else "; there is nothing here"
