"""E-mails as authors write them, made ready once: MJML into HTML, HTML into its plain-text part.

MJML (https://documentation.mjml.io) holds in Outlook and on phones; it is compiled by the Rust
library mrml (`mjml-python`) without network and without includes. Jinja's marks are taken out
before and put back after, so that no compiler ever reads them, and a mail costs only its Jinja
when it is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache

from mjml import mjml2html

from loyalty.mail_text import plain_text

MAX_HTML = 100_000
"""Characters; Gmail shows no more than 102 kB of a mail."""

MAX_SOURCE = 200_000

# As Jinja's lexer finds its marks: strings inside of them may hold what would end them.
_STRING = r"""(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
_OPENING = re.compile(r"\{[{%#]")
_ENDS = {
    "{{": re.compile(rf"(?:{_STRING}|[^'\"])*?\}}\}}", re.DOTALL),
    "{%": re.compile(rf"(?:{_STRING}|[^'\"])*?%\}}", re.DOTALL),
    "{#": re.compile(r".*?#\}", re.DOTALL),
}
_PLACE = re.compile(r"zqx(\d+)xqz")
_AT_START = re.compile(r"^((?:zqx\d+xqz)*zqx(\d+)xqz) ", re.MULTILINE)
_TAG = re.compile(r"<(mj-[\w-]+)")
_COMPONENTS = frozenset(
    {"mj-accordion", "mj-accordion-element", "mj-accordion-text", "mj-accordion-title", "mj-all",
     "mj-attributes", "mj-body", "mj-breakpoint", "mj-button", "mj-carousel", "mj-carousel-image",
     "mj-class", "mj-column", "mj-divider", "mj-font", "mj-group", "mj-head", "mj-hero",
     "mj-image", "mj-navbar", "mj-navbar-link", "mj-preview", "mj-raw", "mj-section", "mj-social",
     "mj-social-element", "mj-spacer", "mj-style", "mj-table", "mj-text", "mj-title", "mj-wrapper"}
)  # fmt: skip
"""What the compiler knows; it would let a slip such as `mj-buton` through as an unknown element."""


class MailSourceError(ValueError):
    """An e-mail cannot be made ready; the message says why."""


def marks(source: str) -> Iterator[tuple[int, int]]:
    """Where Jinja's marks begin and end.

    Raises:
        MailSourceError: One of them never ends.
    """
    end = 0
    while opening := _OPENING.search(source, end):
        closing = _ENDS[opening[0]].match(source, opening.end())
        if closing is None:
            line = source.count("\n", 0, opening.start()) + 1
            raise MailSourceError(f"the `{opening[0]}` in line {line} is never closed")
        yield opening.start(), closing.end()
        end = closing.end()


def prepared(parts: Mapping[str, str]) -> dict[str, str]:
    """The parts of an e-mail as Jinja texts: `subject`, `text`, and `html` where there is one.

    Args:
        parts: `subject` and one or more of `mjml`, `html` and `text`.

    Raises:
        MailSourceError: The MJML cannot be compiled, or the mail has no body.
    """
    known = {name: parts[name] for name in ("subject", "text", "html") if parts.get(name)}
    if mjml := parts.get("mjml"):
        known["html"], derived = _compiled(mjml)
        known.setdefault("text", derived)
    elif "html" in known and "text" not in known:
        known["text"] = _plain(known["html"])
    if "text" not in known:
        raise MailSourceError("it has no body: `mjml`, `html` or `text`")
    return known


@lru_cache(maxsize=512)
def _compiled(mjml: str) -> tuple[str, str]:
    if len(mjml) > MAX_SOURCE:
        raise MailSourceError(f"it is longer than {MAX_SOURCE} characters")
    for tag in _TAG.findall(mjml):
        if tag == "mj-include":
            raise MailSourceError("`mj-include` is not for texts: a layout surrounds them")
        if tag not in _COMPONENTS:
            near = get_close_matches(tag, _COMPONENTS, n=1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            raise MailSourceError(f"there is no MJML component `{tag}`{hint}")
    places = _Places()
    source = places.taken_out(mjml)
    try:
        # No fonts: a mail that fetches some tells their server who opened it.
        html = mjml2html(source, fonts={}, disable_comments=True)
    except ValueError as error:
        raise MailSourceError(f"its MJML cannot be compiled: {_where(error, source)}") from None
    return places.put_back(html), places.as_text(html)


@lru_cache(maxsize=512)
def _plain(html: str) -> str:
    places = _Places()
    return places.as_text(places.taken_out(html))


class _Places:
    """Jinja's marks of one source, each with a word that stands for it."""

    def __init__(self) -> None:
        self._marks: list[str] = []

    def taken_out(self, source: str) -> str:
        if _PLACE.search(source):
            raise MailSourceError("it holds a word that is ours: `zqx…xqz`")
        pieces, end = [], 0
        for start, stop in marks(source):
            pieces += [source[end:start], self._keep(source[start:stop])]
            end = stop
        return "".join([*pieces, source[end:]])

    def put_back(self, text: str) -> str:
        return _PLACE.sub(lambda found: self._marks[int(found[1])], text)

    def as_text(self, html: str) -> str:
        """The plain-text part; what follows a tag at the start of a line stays at its start."""
        text = _AT_START.sub(self._without_space, plain_text(html))
        return self.put_back(text)

    def _without_space(self, found: re.Match[str]) -> str:
        return found[1] if self._marks[int(found[2])].startswith("{%") else found[0]

    def _keep(self, mark: str) -> str:
        if mark.startswith("{#"):
            return ""
        self._marks.append(mark)
        return f"zqx{len(self._marks) - 1}xqz"


def _where(error: ValueError, source: str) -> str:
    """The compiler's words with a line: it counts characters."""
    told = str(error).replace(" in root template", "")
    place = re.search(r"at position (\d+):\d+", told)
    if place is None:
        return told
    line = source.encode()[: int(place[1])].count(b"\n") + 1
    return f"{told[: place.start()]}in line {line}".strip()
