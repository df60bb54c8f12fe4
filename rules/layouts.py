"""What surrounds the body of an e-mail: an MJML document with slots, and its words by language.

A slot is `[[name]]`. `[[content]]` is the text's own MJML, `[[subject]]` and `[[preheader]]` are
its lines, `[[lang]]` and `[[dir]]` say its language and the direction of writing; any other is
one of the layout's own words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Annotated

from pydantic import Field, model_validator

from loyalty.events import Frozen
from loyalty.locales import DEFAULT_LOCALE, choose, direction
from loyalty.mail_source import marks

_SLOT = re.compile(r"\[\[(\w+)\]\]")
_GIVEN = frozenset({"content", "subject", "preheader", "lang", "dir"})
_SECTIONS = re.compile(r"\s*<mj-(section|wrapper|hero)\b")
_DOCUMENT = re.compile(r"\s*<mjml\b")

Words = dict[Annotated[str, Field(max_length=50)], Annotated[str, Field(max_length=500)]]


@dataclass(frozen=True, slots=True)
class Body:
    """What a layout is laid around; `mjml` is sections, or what stands in one column."""

    mjml: str
    subject: str
    preheader: str = ""
    locale: str = ""


class Layout(Frozen):
    """A layout; its words are there in at least one language."""

    mjml: Annotated[str, Field(min_length=1, max_length=100_000)]
    words: dict[str, Words] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_content_and_words(self) -> Layout:
        slots = set(_SLOT.findall(self.mjml))
        if "content" not in slots:
            raise ValueError("a layout has a slot [[content]]")
        for locale, words in (self.words or {DEFAULT_LOCALE: {}}).items():
            if missing := sorted(slots - _GIVEN - words.keys()):
                raise ValueError(f"there is no word `{missing[0]}` in {locale}")
        return self

    def around(self, body: Body) -> str:
        """The whole MJML document of a text in one language."""
        language = body.locale or DEFAULT_LOCALE
        words: Mapping[str, str] = {}
        if self.words:
            words = self.words[choose(language, self.words).locale]
        slots = {
            **words,
            "content": in_sections(body.mjml),
            "subject": as_xml(body.subject),
            "preheader": as_xml(body.preheader),
            "lang": language,
            "dir": direction(language),
        }
        return _SLOT.sub(lambda found: slots[found[1]], self.mjml)


def is_document(mjml: str) -> bool:
    """Whether it is a whole document, which needs no layout."""
    return _DOCUMENT.match(mjml) is not None


def in_sections(mjml: str) -> str:
    """The body as sections: texts and buttons alone get a section around them."""
    if _SECTIONS.match(mjml):
        return mjml
    return (
        f'<mj-section css-class="card"><mj-column css-class="ink">{mjml}</mj-column></mj-section>'
    )


def as_xml(line: str) -> str:
    """A plain line in MJML: its signs are no markup, its Jinja is left alone."""
    pieces, end = [], 0
    for start, stop in marks(line):
        pieces += [escape(line[end:start], quote=False), line[start:stop]]
        end = stop
    return "".join([*pieces, escape(line[end:], quote=False)])
