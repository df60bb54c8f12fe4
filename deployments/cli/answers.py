"""How commands answer: one JSON document, or tables that fit the terminal; errors on stderr."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ParamSpec

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loyalty.store.database import dumps

P = ParamSpec("P")

PIPE_WIDTH = 140
"""Columns where nobody reads along: a pipe or a file."""

NARROW = 76
"""Below so many columns, a table becomes a list of its rows."""


class Failure(Exception):
    """A command cannot answer.

    Attributes:
        says: What is wrong.
        to_do: What to do about it.
        code: 1 where something does not hold, 2 where the input cannot be used.
    """

    def __init__(self, says: str, to_do: str = "", *, code: int = 1) -> None:
        super().__init__(f"{says}: {to_do}" if to_do else says)
        self.says = says
        self.to_do = to_do
        self.code = code


def unusable(says: str, to_do: str = "") -> Failure:
    """The failure of a command whose input cannot be used."""
    return Failure(says, to_do, code=2)


def answering(run: Callable[P, int]) -> Callable[P, int]:
    """Lets a command end with a Failure: its text goes to stderr, its code becomes the exit."""

    @functools.wraps(run)
    def answer(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return run(*args, **kwargs)
        except Failure as failure:
            print(f"hub: {failure}", file=sys.stderr)
            return failure.code

    return answer


def write_json(document: dict[str, Any]) -> None:
    """Prints the one JSON document of an answer."""
    print(dumps(document))


def console() -> Console:
    """Where people read: as wide as the terminal; nothing in a text is taken for markup."""
    width = None
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        width = PIPE_WIDTH
    return Console(width=width, markup=False, emoji=False, highlight=False)


def say(text: str) -> None:
    """Prints a sentence, wrapped at words."""
    console().print(Text(text))


def say_whole(text: str) -> None:
    """Prints what people copy, an address say, in one line however long it is."""
    console().print(Text(text), soft_wrap=True)


def show_rows(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints a table; on a narrow terminal, row after row, a line for each value."""
    out = console()
    if out.width < NARROW:
        for row in rows:
            show_fields([(name, value) for name, value in zip(headers, row, strict=True) if value])
            out.print()
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="bold")
    for name in headers:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_plain(value)) for value in row))
    out.print(table)


def show_fields(fields: Sequence[tuple[str, object]]) -> None:
    """Prints names and values side by side."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", overflow="fold")
    grid.add_column(overflow="fold")
    for name, value in fields:
        grid.add_row(Text(name), Text(_plain(value)))
    console().print(grid)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return moment(value)
    return "" if value is None else str(value)


def moment(value: datetime | None) -> str:
    """An instant as people read it, in UTC to the second; empty for none."""
    return "" if value is None else f"{value:%Y-%m-%d %H:%M:%S}Z"


def counted(count: int, one: str, many: str = "") -> str:
    """`1 event`, `2 events`."""
    return f"{count} {one if count == 1 else many or one + 's'}"
