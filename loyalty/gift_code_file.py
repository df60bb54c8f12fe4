"""Reads files of gift codes as spreadsheets write them, row by row, however large they are.

UTF-8 and UTF-16 with and without a byte order mark; comma, semicolon or tab (RFC 4180 quoting).
A row is a line: no cell of such a file needs a line break, and so a quote that is never closed
spoils its own row and no other. Row numbers are those that a spreadsheet shows: the header is 1.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO

from loyalty.gift_codes import MAX_TYPED, normal_form
from loyalty.gift_codes_policy import TEMPLATE_CODES

COLUMNS = ("code", "points")
EXPECTED = "two columns, `code` and `points`, separated by comma, semicolon or tab"
MAX_LINE = 4_000
"""Characters of a row."""
MAX_POINTS = 1_000_000_000

_HEAD = 65_536
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
_FORMULA = ("=", "+", "@", "-", "\t")
_BROKEN = "\N{REPLACEMENT CHARACTER}"


class UnusableFile(ValueError):
    """Nothing can be taken from the file; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A row that can be used.

    Attributes:
        code: In normal form.
        shown: As it stands in the file.
        points: In the programme's smallest unit.
    """

    row: int
    code: str
    shown: str
    points: int


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used, and why."""

    row: int
    code: str
    problem: str


def sample() -> str:
    """The file that people fill in; its own codes are refused when they are left in it."""
    rows = [",".join(COLUMNS), *(f"{code},100" for code in TEMPLATE_CODES)]
    return "\r\n".join([*rows, ""])


class GiftCodeFile:
    """A file that is read from its beginning, in bounded memory.

    Args:
        file: Seekable, opened for bytes.
        template_codes: Those of the sample.
        unit_scale: Decimals of a point (`Programme.unit_scale`).

    Raises:
        UnusableFile: It is no text, or its columns are not the ones that are needed.
    """

    def __init__(
        self, file: BinaryIO, *, template_codes: Collection[str], unit_scale: int = 0
    ) -> None:
        self._file = file
        self._templates = {normal_form(one) for one in template_codes} - {""}
        self._scale = unit_scale
        self.encoding = encoding_of(file)
        file.seek(0)
        self._lines = _lines(file, self.encoding)
        self._header(next(self._lines, None))

    @property
    def position(self) -> int:
        """How many bytes were read so far, give or take a buffer."""
        return self._file.tell()

    @property
    def format(self) -> str:
        """What kind of file it is, for people: `utf-8, semicolon`."""
        return f"{self.encoding}, {_SEPARATORS[self._separator]}"

    def rows(self) -> Iterator[CodeRow | BadRow]:
        """Every row behind the header that is not blank."""
        for number, line in self._lines:
            if line is None:
                yield BadRow(number, "", f"the row is longer than {MAX_LINE} characters")
            elif line.strip(" \t,;"):
                yield self._row(number, line)

    def _header(self, first: tuple[int, str | None] | None) -> None:
        if first is None or not (first[1] or "").strip():
            raise UnusableFile(f"the file has no header in its first row: expected {EXPECTED}")
        line = first[1] or ""
        read = {one: _names(line, one) for one in _SEPARATORS}
        fitting = [one for one in read if set(COLUMNS) <= set(read[one])]
        self._separator = fitting[0] if fitting else max(read, key=lambda one: len(read[one]))
        names = read[self._separator]
        given = [name for name in names if name]
        twice = sorted({name for name in given if given.count(name) > 1})
        shown = ", ".join(f"`{name[:40]}`" for name in given[:10]) or "nothing"
        if twice:
            raise UnusableFile(f"the column `{twice[0][:40]}` stands twice in the header: {shown}")
        missing = [name for name in COLUMNS if name not in given]
        unknown = [name for name in given if name not in COLUMNS]
        if missing or unknown:
            raise UnusableFile(f"the header has {shown}: expected {EXPECTED}")
        self._at = {name: names.index(name) for name in COLUMNS}
        self._width = len(names)

    def _row(self, number: int, line: str) -> CodeRow | BadRow:
        try:
            cells = _cells(line, self._separator)
        except csv.Error:
            problem = "a quote is opened and not closed, or stands in the middle of a cell"
            return BadRow(number, line[:60], problem)
        if any(cell.strip() for cell in cells[self._width :]):
            return BadRow(number, line[:60], "the row has more cells than the header")
        cells += [""] * (self._width - len(cells))
        shown, points = cells[self._at["code"]].strip(), cells[self._at["points"]].strip()
        code = normal_form(shown)
        problem = self._problem_of(shown, code) or _problem_of_points(points, self._scale)
        if problem:
            return BadRow(number, shown[:60], problem)
        return CodeRow(number, code, shown, int(Decimal(points).scaleb(self._scale)))

    def _problem_of(self, shown: str, code: str) -> str:
        if not shown:
            return "the code is empty"
        if _BROKEN in shown:
            return "the code has characters that cannot be read: save the file as CSV UTF-8"
        if shown.startswith(_FORMULA):
            return "the code is a formula: put in its value"
        if not code and len(shown) <= MAX_TYPED and shown.isascii() and _is_scientific(shown):
            return "the code was made a number by the spreadsheet: format the column as text"
        if not code:
            return "a code has 2 to 40 letters A to Z and digits; blanks and dashes do not count"
        if code in self._templates:
            return "this is the code of the sample file: take the row out"
        return ""


def _problem_of_points(points: str, scale: int) -> str:
    if not points:
        return "the points are missing"
    if points.startswith(("=", "+", "@")):
        return "the points are a formula: put in its value"
    decimals = rf"(\.\d{{1,{scale}}})?" if scale else ""
    if not re.fullmatch(rf"\d{{1,10}}{decimals}", points, re.ASCII):
        kind = f"a number with at most {scale} decimals" if scale else "a whole number"
        return f"the points are {points[:20]!r}: {kind} above 0 is needed"
    units = Decimal(points).scaleb(scale)
    if not 0 < units <= MAX_POINTS:
        return f"the points are {points[:20]}: more than 0 and at most {MAX_POINTS:,} are possible"
    return ""


def _is_scientific(shown: str) -> bool:
    return re.fullmatch(r"\d([.,]\d+)?E\+?\d+", shown, re.IGNORECASE) is not None


def _names(line: str, separator: str) -> list[str]:
    try:
        return [cell.strip().casefold() for cell in _cells(line, separator)]
    except csv.Error:
        return []


def _cells(line: str, separator: str) -> list[str]:
    if '"' not in line:
        return line.split(separator)
    found: Sequence[list[str]] = list(csv.reader([line], delimiter=separator, strict=True))
    return found[0] if found else []


def _lines(file: BinaryIO, encoding: str) -> Iterator[tuple[int, str | None]]:
    """Lines with their numbers; None for one that is too long to be a row."""
    text = io.TextIOWrapper(file, encoding, errors="replace", newline=None)
    number = 0
    try:
        while line := text.readline(MAX_LINE):
            number += 1
            if len(line) < MAX_LINE or line.endswith("\n"):
                yield number, line.rstrip("\n").replace("\0", _BROKEN)
                continue
            while line and not line.endswith("\n"):
                line = text.readline(MAX_LINE)
            yield number, None
    finally:
        if not file.closed:
            text.detach()  # The file stays its owner's: a wrapper that goes closes it.


# --- which encoding ------------------------------------------------------------------------------

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding_of(file: BinaryIO) -> str:
    """How a text file is encoded: by its mark, else by its first 64 kB.

    Raises:
        UnusableFile: It is empty, or no text.
    """
    file.seek(0)
    head = file.read(_HEAD)
    if not head:
        raise UnusableFile("the file is empty")
    if head.startswith(b"PK\x03\x04"):
        raise UnusableFile("this is a spreadsheet or archive: save it as CSV (UTF-8)")
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if b"\0" in head and (encoding := _utf_16(head)):
        return encoding
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < _HEAD)
    except UnicodeDecodeError:
        if b"\0" in head:
            raise UnusableFile("this is not a text file: save it as CSV (UTF-8)") from None
        return _guessed(head)
    return "utf-8"


def _utf_16(head: bytes) -> str:
    """UTF-16 without a mark: every other byte of plain text is zero; empty where it is not."""
    even, odd, many = head[0::2].count(0), head[1::2].count(0), len(head) // 4
    if odd > many > even:
        return "utf-16-le"
    if even > many > odd:
        return "utf-16-be"
    return ""


def _guessed(head: bytes) -> str:
    """The last resort: what the text most probably is (charset-normalizer)."""
    import charset_normalizer  # read only where somebody's file needs it

    found = charset_normalizer.from_bytes(head).best()
    if found is None:
        raise UnusableFile("the encoding of the file is not known: save it as CSV (UTF-8)")
    return found.encoding
