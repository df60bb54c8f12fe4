"""Pages of long lists: so many rows, and addresses of the pages before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

T = TypeVar("T")

ROWS = 50
FARTHEST = 10_000


@dataclass(frozen=True, slots=True)
class Paging:
    """Where in a list the person is.

    Attributes:
        before: The address of the page before; empty on the first.
        after: The address of the next page; empty on the last.
    """

    before: str = ""
    after: str = ""


def offset_of(page: str) -> int:
    """How many rows lie before the page that the address names (`?page=3`), within bounds."""
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1
    return min(max(number - 1, 0) * ROWS, FARTHEST)


def paged(
    rows: Sequence[T], *, offset: int, address: str, query: Mapping[str, Any]
) -> tuple[Sequence[T], Paging]:
    """The rows of the page and its neighbours; `rows` has one more than ROWS if there is more."""

    def at(first: int) -> str:
        told = {name: value for name, value in query.items() if value}
        return f"{address}?{urlencode({**told, 'page': first // ROWS + 1}, doseq=True)}"

    before = at(offset - ROWS) if offset >= ROWS else ""
    after = at(offset + ROWS) if len(rows) > ROWS and offset + ROWS <= FARTHEST else ""
    return rows[:ROWS], Paging(before, after)
