"""Cells: how Google writes their addresses, and how the hub writes values into them.

https://developers.google.com/workspace/sheets/api/guides/concepts#cell
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import orjson

from connectors.kit.capabilities import Scalar
from connectors.kit.errors import ConnectorBug

EXACT_DIGITS = 15
"""Sheets keeps numbers as doubles: up to 15 digits come back as they were written."""

_FIRST_CELL = re.compile(r"(?:^|!)\$?[A-Z]+\$?(\d+)(?::|$)")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_PLAIN_NUMBER = re.compile(r"[+-]\d[\d .,]*")


def column_name(number: int) -> str:
    """`A` for 1, `Z` for 26, `AA` for 27."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def sheet_range(worksheet: str, cells: str) -> str:
    """`'Ada''s sheet'!A1`: the title quoted, so that no title can be read as a range."""
    return "'{}'!{}".format(worksheet.replace("'", "''"), cells)


def first_row(updated_range: str) -> int:
    """The row number of the first cell of a range such as `'Loyalty'!A12:D14`."""
    found = _FIRST_CELL.search(updated_range.rpartition("!")[2])
    if found is None:
        raise ConnectorBug("Google's reply does not say which cells were written")
    return int(found[1])


def cell(value: Scalar) -> Any:
    """The value as orjson writes it.

    Numbers stay numbers, digit by digit; those with more digits than a double keeps become
    text. Text that a spreadsheet program would run as a formula gets an apostrophe in front:
    Sheets itself runs nothing that is written RAW, but whoever exports the sheet as CSV and
    opens it elsewhere would. Signed numbers, telephone numbers among them, run nothing.
    """
    if isinstance(value, str):
        return safe_text(value)
    if isinstance(value, bool) or value is None:
        return value
    text = format(Decimal(value), "f")
    if sum(letter.isdigit() for letter in text) > EXACT_DIGITS:
        return text
    return orjson.Fragment(text)


def safe_text(text: str) -> str:
    """The text, with an apostrophe in front where it would be run as a formula."""
    starts = text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS)
    return f"'{text}" if starts and not _PLAIN_NUMBER.fullmatch(text) else text
