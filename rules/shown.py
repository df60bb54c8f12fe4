"""How a rule is told to members: where the widget lists the ways to earn points."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from loyalty.events import Frozen

ANY_LANGUAGE = ""
"""Stands for a text that was written without a language."""


def _as_translations(value: object) -> object:
    return {ANY_LANGUAGE: value} if isinstance(value, str) else value


Translated = Annotated[
    dict[str, Annotated[str, Field(max_length=300)]],
    Field(max_length=40),
    BeforeValidator(_as_translations),
]


class Shown(Frozen):
    """A rule in the words of its members, each text plain or by language (`{en: …, de: …}`)."""

    title: Translated = Field(default_factory=dict, description="What to do: Complete an order.")
    text: Translated = Field(
        default_factory=dict, description="What it brings, and the small print."
    )
    button: Translated = Field(default_factory=dict, description="What the button says: Purchase.")
    page: str = Field(
        "",
        max_length=200,
        pattern=r"^([a-z][a-z0-9_-]*|/[^\s\\]*)?$",
        description="Where the button leads: one of the site's pages, or a path in the shop.",
    )
    hidden: bool = Field(False, description="Whether members are not told of the rule.")


def in_language(texts: dict[str, str], language: str) -> str:
    """The text in the language (BCP 47), else in its base, without a language, or the first."""
    base = language.partition("-")[0]
    for tag in (language, base, ANY_LANGUAGE, "en"):
        if tag in texts:
            return texts[tag]
    return next(iter(texts.values()), "")
