"""The plain-text part of a mail, from its HTML: the words in order, links kept, images by name.

It reads the template, not the finished mail: deriving costs nothing when a mail is sent.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    {"address", "article", "blockquote", "div", "dl", "dt", "dd", "figure", "footer", "form", "h1",
     "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol", "p", "section", "table",
     "tr", "ul"}
)  # fmt: skip
_SILENT = frozenset({"head", "style", "script", "title", "noscript", "template"})
_VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "col", "wbr"})
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\n\u00a0]+")
_MANY_LINES = re.compile(r"\n{3,}")


def plain_text(html: str) -> str:
    """The text of an HTML mail; hidden parts such as the preheader are left out."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


def few_blank_lines(text: str) -> str:
    """At most one blank line at a time, where branches of a template came out empty."""
    lines = (line.rstrip() for line in text.splitlines())
    return _MANY_LINES.sub("\n\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._silent: list[str] = []
        self._links: list[tuple[str, int]] = []

    def text(self) -> str:
        return few_blank_lines("".join(self._pieces))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if self._silent or tag in _SILENT or _HIDDEN.search(known.get("style", "")):
            if tag not in _VOID:
                self._silent.append(tag)
            return
        if tag in _BLOCKS:
            self._break()
        match tag:
            case "br":
                self._pieces.append("\n")
            case "li":
                self._break(1)
                self._pieces.append("- ")
            case "td" | "th":
                self._space()
            case "img":
                self._pieces.append(known.get("alt", ""))
            case "a":
                self._links.append((known.get("href", ""), len(self._pieces)))

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            if tag in self._silent:
                while self._silent.pop() != tag:
                    pass
            return
        if tag == "a" and self._links:
            self._end_link(*self._links.pop())
        if tag in _BLOCKS:
            self._break()

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        words = _SPACES.sub(" ", data)
        if words.startswith(" ") and (not self._pieces or self._pieces[-1].endswith(("\n", " "))):
            words = words[1:]
        if words:
            self._pieces.append(words)

    def _end_link(self, href: str, start: int) -> None:
        said = "".join(self._pieces[start:]).strip()
        address = href.removeprefix("mailto:").removeprefix("tel:")
        if said and self._pieces[-1] != "\n":
            self._pieces[-1] = self._pieces[-1].rstrip(" ")
        if address and address != said and not address.startswith("#"):
            self._pieces.append(f": {address}" if said else address)

    def _space(self) -> None:
        if self._pieces and not self._pieces[-1].endswith(("\n", " ")):
            self._pieces.append(" ")

    def _break(self, lines: int = 2) -> None:
        written = "".join(self._pieces[-2:])
        missing = lines - (len(written) - len(written.rstrip("\n")))
        if written and missing > 0:
            self._pieces.append("\n" * missing)
