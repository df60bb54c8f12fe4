"""Whoever reads German is addressed in one way, whether in a mail, the widget or on a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.people.words import WORDS
from gateway.widget.wording import shipped

LIBRARY = Path(__file__).parents[2] / "rules" / "library"
FORMAL = re.compile(r"\b(Sie|Ihr|Ihre[mnrs]?|Ihnen)\b")
FAMILIAR = re.compile(r"\b(du|dein(e[mnrs]?)?|dir|dich)\b", re.IGNORECASE)


def german(found: Any, *, inside: bool = False) -> Iterator[str]:
    """Every German text of a document."""
    if isinstance(found, dict):
        for name, value in found.items():
            yield from german(value, inside=inside or name == "de")
    elif isinstance(found, str) and inside:
        yield found


def of_files(folder: str) -> list[str]:
    """The German texts of a folder of the library."""
    files = sorted((LIBRARY / folder).glob("*.yaml"))
    return [one for file in files for one in german(yaml.safe_load(file.read_text("utf-8")))]


PLACES = {
    "mails and texts": of_files("templates"),
    "what surrounds mails": of_files("layouts"),
    "the widget": list(shipped("de").values()),
    "pages": [words["de"] for words in WORDS.values()],
}


@pytest.mark.parametrize("place", PLACES)
def test_everybody_is_addressed_with_du(place: str) -> None:
    texts = PLACES[place]
    assert any(FAMILIAR.search(one) for one in texts), "nobody is addressed here at all"
    assert [one for one in texts if FORMAL.search(one)] == []
