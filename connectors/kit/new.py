"""Makes the folder of a new connector: every file of the anatomy, importable, and honest.

What it makes speaks to an imaginary REST API with one action, so that the conformance suite
has something to hold: replace it piece by piece (docs/adding-a-connector.md).
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from connectors.kit.manifest import Manifest
from connectors.kit.reference import with_reference
from connectors.kit.registry import HOUSE

TEMPLATE = Path(__file__).parent / "template"
ENDING = ".template"
_NAME = re.compile(r"""[^/%&<>"'\\]{1,60}""")
_SLUG = re.compile(r"[a-z][a-z0-9]{1,29}")


class CannotMake(Exception):
    """No folder was made; the text says why and what to do."""


def make(slug: str, name: str = "", *, house: Path = HOUSE) -> list[Path]:
    """Writes the folder and returns its files.

    Args:
        name: The vendor's name as people write it; the slug with a capital by default.

    Raises:
        CannotMake: The slug cannot be one, or there is such a folder.
    """
    if not _SLUG.fullmatch(slug) or slug == "kit":
        raise CannotMake(
            f"{slug!r} cannot be a connector's name: lower case letters and digits, "
            "beginning with a letter"
        )
    folder = house / slug
    if folder.exists():
        raise CannotMake(f"{folder} is there already: choose another name, or go on in it")
    title = " ".join(name.split()) or slug.capitalize()
    if not _NAME.fullmatch(title):
        raise CannotMake(
            f"{title!r} cannot be shown as a block's name: leave out / % & < > quotes and "
            "backslashes, and keep it below 60 characters"
        )
    class_name = "".join(part[:1].upper() + part[1:] for part in re.findall(r"[A-Za-z0-9]+", title))
    if not class_name[:1].isalpha():
        class_name = slug.capitalize()
    words = {"@slug@": slug, "@Name@": title, "@Class@": class_name}
    made = []
    for source in sorted(TEMPLATE.rglob(f"*{ENDING}")):
        target = folder / source.relative_to(TEMPLATE).with_suffix("")
        text = source.read_text("utf-8")
        for word, value in words.items():
            text = text.replace(word, value)
        if target.suffix == ".py":
            text = _with_sorted_imports(text)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8", newline="\n")
        made.append(target)
    return made


def _with_sorted_imports(text: str) -> str:
    """The imports of the house in order: whether the kit comes first depends on the slug."""
    lines = text.splitlines(keepends=True)
    places = [place for place, line in enumerate(lines) if line.startswith("from connectors.")]
    for place, line in zip(places, sorted(lines[place] for place in places), strict=True):
        lines[place] = line
    return "".join(lines)


def with_references(slug: str, *, house: Path = HOUSE) -> None:
    """Writes the reference part of the new README, from the manifest as it imports."""
    one: Manifest = import_module(f"connectors.{slug}.manifest").MANIFEST
    path = house / slug / "README.md"
    path.write_text(with_reference(path.read_text("utf-8"), one), "utf-8", newline="\n")
