"""The functions of texts. Every one takes time in proportion to the text, whatever it is asked.

Patterns are `*` and `?` alone. What lies between the stars is looked for piece by piece, from
left to right, which is exact for such patterns and never goes back (there is no way to write
the regular expressions that never end).
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from rules.language.arithmetic import Number
from rules.language.functions import CheckedLiteral, FunctionFailed, function

MAX_RESULT = 10_000
"""The characters of a text that a function gives; those of an order have 500."""

MAX_PATTERN = 200


def _bounded(text: str) -> str:
    if len(text) > MAX_RESULT:
        raise FunctionFailed(f"the text is longer than {MAX_RESULT:,} characters")
    return text


@function("The text in small letters, to compare without regard to capitals.")
def lower(text: str) -> str:
    return _bounded(str(text).lower())


@function("The text in capital letters.")
def upper(text: str) -> str:
    return _bounded(str(text).upper())


@function("The text without the spaces and line ends around it.")
def trim(text: str) -> str:
    return _bounded(str(text).strip())


@function("How many characters the text has.", can_fail=False, native=len)
def length(text: str) -> Number:
    return len(text)


@function("Whether the text begins so; capitals matter.", can_fail=False, native=str.startswith)
def starts_with(text: str, beginning: str) -> bool:
    return text.startswith(beginning)


@function("Whether the text ends so; capitals matter.", can_fail=False, native=str.endswith)
def ends_with(text: str, ending: str) -> bool:
    return text.endswith(ending)


@function(
    "Whether the part occurs anywhere in the text; capitals matter.",
    can_fail=False,
    native=operator.contains,
)
def contains(text: str, part: str) -> bool:
    return part in text


def _word_problem(word: str) -> str:
    if not word.strip():
        return "the word is empty"
    if len(word) > MAX_PATTERN:
        return f"the word is longer than {MAX_PATTERN} characters"
    return ""


Word = Annotated[str, CheckedLiteral(_word_problem)]


@function(
    "Whether the word or phrase stands in the text by itself, not as a part of longer words: "
    '"tea" is in "green tea", not in "steam"; capitals matter.'
)
def contains_word(text: str, word: Word) -> bool:
    if problem := _word_problem(word):
        raise FunctionFailed(problem)
    return _word(str(word)).search(text) is not None


@lru_cache(maxsize=1024)
def _word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")


def _pattern_problem(pattern: str) -> str:
    if len(pattern) > MAX_PATTERN:
        return f"the pattern is longer than {MAX_PATTERN} characters"
    return ""


Glob = Annotated[str, CheckedLiteral(_pattern_problem)]


@function(
    "Whether the whole text fits the pattern, in which `*` is any characters or none and `?` is "
    "exactly one; everything else stands for itself, and capitals matter."
)
def matches(text: str, pattern: Glob) -> bool:
    if problem := _pattern_problem(pattern):
        raise FunctionFailed(problem)
    first, *others = _pieces(str(pattern))
    if not others:
        return first.regex.fullmatch(text) is not None
    found = first.regex.match(text)
    last = others.pop()
    for piece in others:
        if found is None:
            return False
        found = piece.regex.search(text, found.end())
    end = len(text) - last.width
    return found is not None and found.end() <= end and last.regex.match(text, end) is not None


@dataclass(frozen=True, slots=True)
class _Piece:
    """What stands between two stars; it always takes the same number of characters."""

    width: int
    regex: re.Pattern[str]


@lru_cache(maxsize=1024)
def _pieces(pattern: str) -> tuple[_Piece, ...]:
    return tuple(
        _Piece(
            width=len(piece),
            regex=re.compile(
                "".join("." if one == "?" else re.escape(one) for one in piece), re.DOTALL
            ),
        )
        for piece in pattern.split("*")
    )
