"""Values in words: what the names of an expression were when it was judged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from pydantic import BaseModel

from rules.language.arithmetic import written
from rules.language.functions_of_time import LocalTime
from rules.language.tree import (
    UNSET,
    Aggregate,
    Environment,
    Field,
    Named,
    Node,
    Variable,
    children,
)
from rules.language.types import ListType, RecordType, without_empty

SHOWN_ITEMS = 5
SHOWN_LETTERS = 120


@dataclass(frozen=True, slots=True)
class Look:
    """A name or a path in an expression and how to see its value without failing.

    `start` and `end` are its place in the text; -1 where it must not be filled in.
    """

    label: str
    start: int
    end: int
    value: Callable[[Environment], Any]


def in_words(value: Any) -> str:
    """A value for people: numbers plain, lists by their first items, nothing as `empty`."""
    if isinstance(value, (Decimal, int)) and not isinstance(value, bool):
        return written(value)
    if value is None:
        return "empty"
    if value is UNSET:
        return "not worked out"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return _items_in_words(value)
    if isinstance(value, BaseModel):
        return str(value) if isinstance(value, LocalTime) else "given"
    text = str(value.value if isinstance(value, Enum) else value)
    return f'"{text[:SHOWN_LETTERS]}{"…" if len(text) > SHOWN_LETTERS else ""}"'


def _items_in_words(items: list[Any] | tuple[Any, ...]) -> str:
    if not items:
        return "none"
    if isinstance(items[0], BaseModel):
        return f"{len(items)} item{'s' if len(items) > 1 else ''}"
    shown = ", ".join(in_words(item) for item in items[:SHOWN_ITEMS])
    return f"{shown}, … ({len(items)} in all)" if len(items) > SHOWN_ITEMS else shown


def looks_of(node: Node, text: str) -> tuple[Look, ...]:
    """Every name, path and item path of an expression, once each for its label."""
    return tuple(_looks(node, text))


def _looks(node: Node, text: str) -> Iterator[Look]:
    path = _path(node)
    if path is not None:
        root, names = path
        if isinstance(root, Named) or not root.is_item:
            yield _look_at(node, root, names)
        return
    if isinstance(node, Aggregate):
        yield from _looks_at_items(node)
    for child in children(node):
        yield from _looks(child, text)


def _path(node: Node) -> tuple[Variable | Named, list[tuple[str, bool]]] | None:
    names: list[tuple[str, bool]] = []
    while isinstance(node, Field):
        names.append((node.name, node.is_key))
        node = node.of
    return (node, names[::-1]) if isinstance(node, (Variable, Named)) else None


def _follow(value: Any, names: list[tuple[str, bool]]) -> Any:
    for name, is_key in names:
        if value is None or value is UNSET:
            return value
        value = value.get(name) if is_key else getattr(value, name)
    return value


def _label(root: str, names: list[tuple[str, bool]]) -> str:
    return ".".join([root, *(name for name, _ in names)])


def _look_at(node: Node, root: Variable | Named, names: list[tuple[str, bool]]) -> Look:
    slot = root.slot
    # Lists and records stay as they are when a text is filled in: "floor(3 items)" tells nobody.
    is_plain = not isinstance(without_empty(node.type), (ListType, RecordType))
    return Look(
        label=_label(root.name, names),
        start=node.start if is_plain else -1,
        end=node.end,
        value=lambda environment: _follow(environment[slot], names),
    )


def _looks_at_items(node: Aggregate) -> Iterator[Look]:
    """What the items of a list had: `line.sku: "KIT-1", "TEA"`."""
    source = _path(node.source)
    if source is None:
        return
    root, way = source

    def items(environment: Environment) -> Any:
        found = _follow(environment[root.slot], way)
        return () if found is None or found is UNSET else found

    todo: list[Node] = [node.element, *node.conditions]
    while todo:
        part = todo.pop(0)
        path = _path(part)
        if path is None:
            todo.extend(children(part))
        elif isinstance(path[0], Variable) and path[0].is_item and path[1]:
            names = path[1]
            yield Look(
                label=_label(path[0].name, names),
                start=-1,
                end=-1,
                value=lambda env, names=names: [_follow(one, names) for one in items(env)],  # type: ignore[misc]
            )


@dataclass(frozen=True, slots=True)
class Blanks:
    """A text cut at its names: `parts` with the values of `looks` between them."""

    parts: tuple[str, ...]
    looks: tuple[Look, ...]

    def filled_in(self, environment: Environment) -> str:
        """The text with each name replaced by its value."""
        told = self.parts[0]
        if not self.looks:
            return told
        for look, part in zip(self.looks, self.parts[1:], strict=True):
            told += in_words(look.value(environment)) + part
        return told


def blanks_of(text: str, looks: tuple[Look, ...]) -> Blanks:
    """The text on one line with gaps for the values of its plain names."""
    plain = sorted((one for one in looks if one.start >= 0), key=lambda one: one.start)
    starts = [*(one.start for one in plain), len(text)]
    ends = [0, *(one.end for one in plain)]
    cut = [re.sub(r"\s+", " ", text[end:start]) for end, start in zip(ends, starts, strict=True)]
    cut[0], cut[-1] = cut[0].lstrip(), cut[-1].rstrip()
    return Blanks(parts=tuple(cut), looks=tuple(plain))
