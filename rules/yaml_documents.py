"""Reads documents from YAML (https://yaml.org/spec/1.2.2/) with nothing in it that surprises.

Only the parser of PyYAML is used, never its constructors: `on` stays a word and not a yes,
19.99 stays exact, times stay text, a key given twice is an error, and aliases, tags and depth
are refused, so that a document cannot grow in memory or become an object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import yaml

MAX_SIZE = 5_000_000
MAX_DEPTH = 30

_INTEGER = re.compile(r"[-+]?(0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"[-+]?\d{1,18}\.\d{1,18}")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlError(ValueError):
    """The file is not what it should be; the message says where (name, line, column)."""


def read_yaml(text: str, *, name: str = "document") -> Iterator[Any]:
    """The documents of a YAML text as plain dicts, lists, texts, numbers and yes or no.

    Raises:
        YamlError: It is not YAML, or has a duplicate key, an alias, a tag, or too much of it.
    """
    if len(text) > MAX_SIZE:
        raise YamlError(f"{name}: the file is larger than {MAX_SIZE:,} characters")
    try:
        yield from _Reader(name).documents(text)
    except yaml.YAMLError as error:
        told = " ".join(str(error).split())
        raise YamlError(f"{name}: this is not YAML: {told[:300]}") from None


class _Reader:
    """Builds values from the parser's events."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.events: Iterator[Any] = iter(())

    def documents(self, text: str) -> Iterator[Any]:
        self.events = yaml.parse(text, Loader=_Parser)
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                yield self.value(next(self.events), 1)

    def refuse(self, event: Any, problem: str) -> YamlError:
        mark = event.start_mark
        return YamlError(f"{self.name}, line {mark.line + 1}, column {mark.column + 1}: {problem}")

    def value(self, event: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise self.refuse(event, f"nested more than {MAX_DEPTH} deep")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise self.refuse(event, "anchors and aliases are not allowed: write it out")
        if getattr(event, "tag", None) not in {None, "!"}:
            raise self.refuse(event, f"the tag {event.tag!r} is not allowed: leave it out")
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(depth)
        return _scalar(event)

    def sequence(self, depth: int) -> list[Any]:
        items = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.value(event, depth + 1))
        return items

    def mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.anchor:
                raise self.refuse(event, "a key is a plain word")
            if event.value in found:
                raise self.refuse(event, f"the key `{event.value[:60]}` is given twice")
            found[event.value] = self.value(next(self.events), depth + 1)
        return found


def _scalar(event: Any) -> Any:
    if event.style in {'"', "'", "|", ">"}:
        return event.value
    if event.value.lower() in _WORDS:
        return _WORDS[event.value.lower()]
    if _INTEGER.fullmatch(event.value):
        return int(event.value)
    return Decimal(event.value) if _DECIMAL.fullmatch(event.value) else event.value
