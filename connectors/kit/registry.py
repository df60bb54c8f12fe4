"""Finds the connectors: every folder beside `kit` that has a `manifest.py`."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from connectors.kit.manifest import Manifest

HOUSE = Path(__file__).resolve().parent.parent


@cache
def slugs() -> tuple[str, ...]:
    """The slugs of all connectors, sorted; nothing is imported."""
    return tuple(
        sorted(
            path.parent.name for path in HOUSE.glob("*/manifest.py") if path.parent.name != "kit"
        )
    )


@cache
def manifest(slug: str) -> Manifest:
    """The manifest of one connector, imported on first use.

    Raises:
        KeyError: There is no such connector; the text lists those there are.
    """
    if slug not in slugs():
        raise KeyError(f"there is no connector {slug!r}; there are: {', '.join(slugs())}")
    found: Manifest = import_module(f"connectors.{slug}.manifest").MANIFEST
    return found


def all_manifests() -> tuple[Manifest, ...]:
    """Every connector's manifest, by slug."""
    return tuple(manifest(slug) for slug in slugs())
