"""Rows as CSV that a spreadsheet opens and does not calculate.

A cell that begins like a formula gets an apostrophe in front of it
(https://owasp.org/www-community/attacks/CSV_Injection); plain numbers below zero stay numbers.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

_CALCULATED = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


def safe_cell(value: object) -> str:
    """The value as a cell that is shown and never calculated."""
    text = "" if value is None else str(value)
    if text.startswith(_CALCULATED) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def csv_rows(rows: Sequence[Sequence[object]]) -> str:
    """The rows as lines of CSV (RFC 4180)."""
    out = io.StringIO()
    csv.writer(out).writerows([[safe_cell(cell) for cell in row] for row in rows])
    return out.getvalue()
