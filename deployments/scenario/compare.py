"""What differs between what a step expects and what is, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from deployments.scenario.parts import Part


def differs(what: str, expected: Any, found: Any) -> list[str]:
    """The difference as a sentence, or nothing. Numbers are compared as numbers."""
    if same(expected, found):
        return []
    return [f"{what}: expected {shown(expected)}, found {shown(found)}"]


def same(expected: Any, found: Any) -> bool:
    """Whether two values say the same."""
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    numbers = (int, Decimal)
    if isinstance(expected, numbers) and isinstance(found, (*numbers, str)):
        return Decimal(expected) == _number(found)
    if isinstance(expected, Sequence) and not isinstance(expected, str):
        return (
            isinstance(found, Sequence)
            and not isinstance(found, str)
            and len(expected) == len(found)
            and all(same(one, other) for one, other in zip(expected, found, strict=True))
        )
    return bool(expected == found)


def _number(value: Any) -> Decimal | None:
    try:
        return Decimal(value)
    except ArithmeticError:
        return None


def parts_differ(what: str, expected: Part, found: Mapping[str, Any]) -> list[str]:
    """The differences of the fields that the file gives."""
    told = []
    for name in sorted(expected.model_fields_set):
        alias = type(expected).model_fields[name].alias or name
        told += differs(f"{what}.{alias}", getattr(expected, name), found.get(alias))
    return told


def rows_differ(
    what: str, expected: Sequence[Part], found: Sequence[Mapping[str, Any]]
) -> list[str]:
    """The differences of two lists, row by row, with the fields that the file gives."""
    if len(expected) != len(found):
        told = f"{what}: expected {len(expected)}, found {len(found)}"
        return [f"{told}: {'; '.join(row_shown(one) for one in found) or 'none'}"]
    return [
        told
        for at, (one, other) in enumerate(zip(expected, found, strict=True), 1)
        for told in parts_differ(f"{what}[{at}]", one, other)
    ]


def includes(expected: Part, found: Mapping[str, Any]) -> bool:
    """Whether a row has all that the file gives."""
    return not parts_differ("", expected, found)


def row_shown(row: Mapping[str, Any]) -> str:
    """A row as people read it, without what is empty."""
    given = {name: value for name, value in row.items() if value not in (None, "")}
    return ", ".join(f"{name} {shown(value)}" for name, value in given.items())


def shown(value: Any) -> str:
    """A value as the file would write it."""
    if value is None:
        return "none"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {shown(one)}" for name, one in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(shown(one) for one in value) + "]"
    return str(value)
