"""Personal data made short, for terminals that others can see: refused unless known harmless."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.kit.redact import without_people

_HARMLESS: dict[str, frozenset[str]] = {
    "audience": frozenset({"tags"}),
    "track": frozenset({"name", "time"}),
    "chat": frozenset({"channel"}),
    "sheet": frozenset({"worksheet"}),
    "webhook": frozenset({"type", "timestamp"}),
}
"""Texts of a capability's input that say nothing of a person."""


def shortened_input(capability: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """A delivery's input with every text shortened that may say something of a person."""
    harmless = _HARMLESS.get(capability, frozenset())
    return {
        name: value if name in harmless else shortened(value) for name, value in content.items()
    }


def shortened(value: Any) -> Any:
    """The value with its texts shortened: addresses to their ends, others to their first letter."""
    if isinstance(value, str):
        return _short_text(value)
    if isinstance(value, Mapping):
        return {name: shortened(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [shortened(one) for one in value]
    return value


def _short_text(text: str) -> str:
    addressed = without_people(text)
    if addressed != text and " " not in text:
        return addressed
    return text if len(text) < 2 else f"{text[0]}… ({len(text)} characters)"
