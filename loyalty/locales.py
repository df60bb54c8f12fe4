"""Which language a text is in for whom: BCP 47 tags, matched by language and script.

Cutting a tag at its hyphen would send simplified Chinese to Taiwan. Tags are completed first by
CLDR's likely subtags (https://www.unicode.org/reports/tr35/#Likely_Subtags, by the `langcodes`
library): `zh-TW` is `zh-Hant-TW`, `zh-CN` is `zh-Hans-CN`; only the same language in the same
script serves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from langcodes import Language, tag_distance
from langcodes.tag_parser import LanguageTagError

DEFAULT_LOCALE = "en"
MAX_TAG = 35
"""RFC 5646, 4.4.1: room for every tag in use."""

_RTL = frozenset({"Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg"})


@dataclass(frozen=True, slots=True)
class Choice:
    """The language that was chosen.

    Attributes:
        locale: One of those there are, as the text's author wrote it.
        is_fallback: The person's language was not there, or is not known.
    """

    locale: str
    is_fallback: bool


def canonical(tag: str) -> str:
    """The tag as BCP 47 writes it (`EN_gb` is `en-GB`); empty where it is none."""
    if not tag or len(tag) > MAX_TAG:
        return ""
    try:
        # Shops also write POSIX locales: `de_DE.UTF-8`, `sr_RS@latin`.
        found = Language.get(tag.partition(".")[0].partition("@")[0].replace("_", "-"))
    except LanguageTagError:
        return ""
    return "" if found.to_tag() == "und" else found.to_tag()


def choose(wanted: str, available: Iterable[str], default: str = DEFAULT_LOCALE) -> Choice:
    """The language for a person: theirs, else the programme's, else English, else the first.

    Args:
        wanted: What is known of the person: any spelling, or nothing.
        available: The languages that the text is there in, the author's order.
        default: The programme's own language.

    Raises:
        ValueError: The text is there in no language.
    """
    return _choose(wanted[: MAX_TAG + 1], tuple(available), default)


@lru_cache(maxsize=4096)
def _choose(wanted: str, available: tuple[str, ...], default: str) -> Choice:
    if not available:
        raise ValueError("a text has at least one language")
    for number, tag in enumerate((wanted, default, DEFAULT_LOCALE)):
        found = _nearest(tag, available)
        if found is not None:
            return Choice(found, is_fallback=number > 0)
    return Choice(available[0], is_fallback=True)


def _nearest(tag: str, available: tuple[str, ...]) -> str | None:
    known = canonical(tag)
    if not known:
        return None
    served = [one for one in available if one and _spoken(one) == _spoken(known)]
    return min(served, key=lambda one: tag_distance(known, canonical(one)), default=None)


def _spoken(tag: str) -> tuple[str | None, str | None]:
    full = Language.get(canonical(tag) or "und").maximize()
    # Norwegian is written `no` by most shops and `nb` by the standards.
    return ("no" if full.language == "nb" else full.language), full.script


@lru_cache(maxsize=1024)
def formats_of(text: str, person: str) -> Locale:
    """CLDR's formats for a text: its own language, in the person's country where they share it.

    A German number in an English sentence would be read wrongly, so a text that is a fallback
    keeps the formats of its own language.
    """
    own, theirs = canonical(text), canonical(person)
    is_shared = bool(own and theirs) and _spoken(own) == _spoken(theirs)
    for tag in (theirs if is_shared else own, own, DEFAULT_LOCALE):
        try:
            return Locale.parse(tag, sep="-")
        except (ValueError, UnknownLocaleError):
            continue
    raise AssertionError("CLDR knows English")


def direction(tag: str) -> str:
    """`rtl` for a language written from right to left, else `ltr`."""
    known = canonical(tag)
    return "rtl" if known and Language.get(known).maximize().script in _RTL else "ltr"


def is_known(tag: str) -> bool:
    """Whether CLDR knows the language, so that a slip (`ge` for `de`) is found."""
    known = canonical(tag)
    return bool(known) and Language.get(known).language in _languages()


@lru_cache(maxsize=1)
def _languages() -> frozenset[str]:
    likely = get_global("likely_subtags")
    return frozenset(str(one).partition("_")[0] for one in likely)
