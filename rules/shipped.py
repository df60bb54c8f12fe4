"""The rules and texts that come with the hub, from `rules/library`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from rules.ruleset import RuleSet
from rules.templates import Template, read_templates

LIBRARY = Path(__file__).parent / "library"
_TEMPLATES = LIBRARY / "templates.yaml"


def shipped_paths() -> tuple[Path, ...]:
    """The files of the shipped rules, one rule each, named by its id."""
    return tuple(sorted(path for path in LIBRARY.glob("*.yaml") if path != _TEMPLATES))


@lru_cache(maxsize=1)
def shipped_rules() -> RuleSet:
    """All shipped rules as one set."""
    return RuleSet.from_yaml(*shipped_paths())


def shipped_templates() -> dict[str, Template]:
    """The texts that the shipped rules name."""
    return read_templates(_TEMPLATES.read_text(encoding="utf-8"), name=_TEMPLATES.name)
