"""The rules and texts that come with the hub, from `rules/library`, and an installation's own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from rules.layouts import Layout
from rules.ruleset import RuleSet
from rules.templates import Template, TemplateError, read_layout, read_templates

LIBRARY = Path(__file__).parent / "library"
TEMPLATES, LAYOUTS = "templates", "layouts"
"""Folders beside the rules that hold texts and what surrounds them."""

_SUFFIXES = (".yaml", ".yml")


def shipped_paths() -> tuple[Path, ...]:
    """The files of the shipped rules, one rule each, named by its id."""
    return tuple(sorted(LIBRARY.glob("*.yaml")))


@lru_cache(maxsize=1)
def shipped_rules() -> RuleSet:
    """All shipped rules as one set."""
    return RuleSet.from_yaml(*shipped_paths())


def shipped_templates() -> dict[str, Template]:
    """The texts that come with the hub, by name."""
    return dict(_shipped()[0])


def all_templates(folder: Path | None) -> dict[str, Template]:
    """The shipped texts, and on top of them those of an installation.

    Args:
        folder: Where it keeps its own rules; texts are in its `templates.yaml` or in its folder
            `templates`, layouts in `layouts`. A channel and language of its own replaces the
            shipped one, the rest stays.

    Raises:
        TemplateError: One of its files cannot be read; the message names it.
    """
    shipped, layouts = _shipped()
    if folder is None:
        return dict(shipped)
    own = _read(folder, layouts | _layouts(folder))
    return shipped | {
        name: one.over(shipped[name]) if name in shipped else one for name, one in own.items()
    }


@lru_cache(maxsize=1)
def _shipped() -> tuple[dict[str, Template], dict[str, Layout]]:
    layouts = _layouts(LIBRARY)
    return _read(LIBRARY, layouts), layouts


def _layouts(folder: Path) -> dict[str, Layout]:
    return {
        path.stem: read_layout(_text(path), name=path.name) for path in _files(folder / LAYOUTS)
    }


def _read(folder: Path, layouts: dict[str, Layout]) -> dict[str, Template]:
    found: dict[str, Template] = {}
    for path in [*_files(folder, "templates"), *_files(folder / TEMPLATES)]:
        for name, one in read_templates(_text(path), name=path.name, layouts=layouts).items():
            if name in found:
                raise TemplateError(f"{path.name}: the text `{name}` is in another file too")
            found[name] = one
    return found


def _files(folder: Path, stem: str = "*") -> Iterator[Path]:
    return (one for one in sorted(folder.glob(f"{stem}.*")) if one.suffix in _SUFFIXES)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(f"{path.name} cannot be read: {error}") from None
