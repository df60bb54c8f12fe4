"""What is wrong with a document, in words: pydantic's findings made plain."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_core import ErrorDetails

from rules.language.errors import suggest


def in_words(error: ErrorDetails, keys: Sequence[str]) -> str:
    """One finding as a sentence.

    Args:
        error: As pydantic reports it.
        keys: The keys that are known where it was found, to suggest one for a typo.
    """
    last = str(error["loc"][-1]) if error["loc"] else ""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        near = suggest(last, keys) or f"There are: {', '.join(keys)}."
        return f"there is no key `{last[:60]}` here. {near}"
    if kind == "missing":
        return f"the key `{last}` is missing"
    if kind in {"enum", "literal_error"}:
        expected = str(context.get("expected", ""))
        known = [word.strip("' ") for word in expected.replace(" or ", ", ").split(", ")]
        near = suggest(str(error["input"]), known)
        return f"`{str(error['input'])[:60]}` is not one of {expected}. {near}".strip()
    if kind == "string_pattern_mismatch":
        return f"`{str(error['input'])[:60]}` is not written as it must be ({context['pattern']})"
    return error["msg"].removeprefix("Value error, ")
