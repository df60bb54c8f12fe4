"""What the widget says, by language: the hub's own texts, and what a site says instead."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from loyalty.locales import formats_of
from loyalty.sites import Site
from loyalty.text_formats import Formats, formats

FALLBACK = "en"
_FOLDER = Path(__file__).parent / "texts"
_ONLY_HERE = ("movement_", "refused_", "page_", "per", "times")
"""How texts begin that the server fills in itself; the browser is not given them."""

_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})


class Wording:
    """The texts of one site in one language; a text that is missing is said in English."""

    def __init__(self, site: Site, language: str) -> None:
        self.language = language
        base = base_of(language)
        own = {**site.texts.get(base, {}), **site.texts.get(language, {})}
        self._texts = {**shipped(FALLBACK), **shipped(base), **own}

    @property
    def direction(self) -> str:
        """How the language is written: `ltr` or `rtl`."""
        return "rtl" if base_of(self.language) in _RIGHT_TO_LEFT else "ltr"

    def say(self, key: str, **values: str) -> str:
        """A text with its values put in. What stands in a value is not filled in again."""
        first, *parts = self._texts[key].split("{")
        found = [first]
        for part in parts:
            name, brace, rest = part.partition("}")
            found.append(values[name] + rest if brace and name in values else "{" + part)
        return "".join(found)

    def points(self, count: Decimal) -> str:
        """So many points, as the language counts them: `1 point`, `50 points`."""
        key = f"points_{self._formats().plural_form(count)}"
        known = key if self.knows(key) else "points_other"
        return self.say(known, n=self.number(count))

    def number(self, number: Decimal) -> str:
        """A number as the language writes it."""
        return self._formats().number(number)

    def money(self, amount: Decimal, currency: str) -> str:
        """An amount in major units as the language writes it."""
        return self._formats().money(amount, currency)

    def _formats(self) -> Formats:
        return formats(formats_of(self.language, ""), "", "UTC", ("EUR", 0))

    def knows(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self._texts

    def for_browser(self) -> Mapping[str, str]:
        """The texts that the page itself shows."""
        return {k: v for k, v in self._texts.items() if not k.startswith(_ONLY_HERE)}


@lru_cache(maxsize=64)
def shipped(language: str) -> Mapping[str, str]:
    """The hub's own texts of a language; none for one that it does not speak."""
    path = _FOLDER / f"{language}.json"
    if not language.isalpha() or not path.exists():
        return MappingProxyType({})
    return MappingProxyType(json.loads(path.read_text("utf-8")))


def base_of(language: str) -> str:
    """The language of a tag, without region and script."""
    return language.partition("-")[0].lower()
