"""Rows found by a key in one of their columns, and written where they are or behind the others.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request

All changes of a batch go into one `batchUpdate`, which Google does as a whole or not at all and
counts as one write. Its `userEnteredValue` says of each cell that it is a text or a number;
nothing in it can become a formula.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from threading import Lock
from typing import Any

from connectors.kit.capabilities import Scalar
from connectors.kit.errors import ConnectorBug
from connectors.sheets.notation import cell, column_name, safe_text, sheet_range
from connectors.sheets.transport import Transport

PLACE_SECONDS = 60.0
VALUES_ONLY = "userEnteredValue"


@dataclass(frozen=True, slots=True)
class KeyedRow:
    """What is to stand in the row with this key; None empties a cell."""

    key: str
    values: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class _Place:
    """A worksheet as it was last seen. `columns` includes the empty ones."""

    sheet_id: int
    columns: int
    headings: tuple[str, ...]
    read_at: float = field(default_factory=time.monotonic)


class Tables:
    """The worksheets of one spreadsheet as tables; blocking, to be used in threads.

    Args:
        properties: Of a worksheet, by its title; where there is none it is made with so many
            columns, or None is returned where none are asked for.
    """

    def __init__(
        self,
        transport: Transport,
        spreadsheet_id: str,
        properties: Callable[[str, int], Mapping[str, Any] | None],
    ) -> None:
        self._transport = transport
        self._id = spreadsheet_id
        self._properties = properties
        self._places: dict[str, _Place] = {}
        # Between looking for a key and writing its row, no other batch of ours may write.
        self._lock = Lock()

    def write(
        self, worksheet: str, key_column: str, rows: Sequence[KeyedRow], *, creates: bool
    ) -> list[bool]:
        """Writes the rows; says of each whether there is one now.

        Args:
            creates: Whether a row that is not there is made; otherwise it is left out.
        """
        with self._lock:
            key_column = _bare(key_column)
            width = 1 + max(len(row.values) for row in rows) if creates else 0
            place, numbers = self._read(worksheet, key_column, width)
            written = [creates or _bare(row.key) in numbers for row in rows]
            wanted: dict[str, dict[str, Scalar]] = {}
            for row, is_written in zip(rows, written, strict=True):
                if is_written:
                    cells = wanted.setdefault(_bare(row.key), {key_column: row.key})
                    cells.update({_bare(name): value for name, value in row.values.items()})
                    cells[key_column] = row.key
            if place and wanted:
                self._change(worksheet, place, numbers, wanted)
            return written

    def _read(
        self, worksheet: str, key_column: str, width: int
    ) -> tuple[_Place | None, dict[str, int]]:
        """The worksheet now, and the row number of each key, of equal keys the first."""
        place = self._places.get(worksheet)
        if place is None or time.monotonic() - place.read_at > PLACE_SECONDS:
            found = self._properties(worksheet, width)
            if found is None:
                return None, {}
            columns = int(found["gridProperties"]["columnCount"])
            place = _Place(int(found["sheetId"]), columns, self._values(worksheet, "1:1")[0])
        if key_column not in place.headings:
            self._places[worksheet] = place
            return place, {}
        column = column_name(place.headings.index(key_column) + 1)
        headings, keys = self._values(worksheet, "1:1", f"{column}:{column}")
        if headings != place.headings:
            # Somebody moved a column in the meantime: what was read is of the wrong one.
            self._places.pop(worksheet, None)
            return self._read(worksheet, key_column, width)
        self._places[worksheet] = place
        numbers: dict[str, int] = {}
        for number, key in enumerate(keys[1:], 2):
            numbers.setdefault(_bare(key), number)
        return place, numbers

    def _values(self, worksheet: str, *cells: str) -> list[tuple[str, ...]]:
        """As text, in one call: the cells of the first row, or the first cell of each row."""
        ranges = [sheet_range(worksheet, one) for one in cells]
        reply = self._transport.gspread().values_batch_get(
            self._id, ranges, {"valueRenderOption": "UNFORMATTED_VALUE"}
        )
        found = reply.get("valueRanges")
        if not isinstance(found, list) or len(found) != len(cells):
            raise ConnectorBug("Google answered with other ranges than were asked for")
        lines = [one.get("values") or [[]] for one in found]
        return [
            tuple(_bare(str(one)) for one in rows[0])
            if name == "1:1"
            else tuple(str(row[0]) if row else "" for row in rows)
            for name, rows in zip(cells, lines, strict=True)
        ]

    def _change(
        self,
        worksheet: str,
        place: _Place,
        numbers: Mapping[str, int],
        wanted: Mapping[str, Mapping[str, Scalar]],
    ) -> None:
        names = dict.fromkeys(name for cells in wanted.values() for name in cells)
        new = [name for name in names if name not in place.headings]
        headings = (*place.headings, *new)
        requests = [*_headed(place, new, len(headings))]
        behind = []
        for key, cells in wanted.items():
            by_column = {headings.index(name): value for name, value in cells.items()}
            if key in numbers:
                requests += _updates(place.sheet_id, numbers[key] - 1, by_column)
            else:
                line = [_data(by_column.get(at)) for at in range(max(by_column) + 1)]
                behind.append({"values": line})
        if behind:
            added = {"sheetId": place.sheet_id, "rows": behind, "fields": VALUES_ONLY}
            requests.append({"appendCells": added})
        try:
            self._transport.gspread().batch_update(self._id, {"requests": requests})
        finally:
            if new:
                self._places.pop(worksheet, None)


def _headed(place: _Place, new: Sequence[str], width: int) -> Iterator[dict[str, Any]]:
    """New headings behind the others, and room for them."""
    if width > place.columns:
        more = {"sheetId": place.sheet_id, "dimension": "COLUMNS", "length": width - place.columns}
        yield {"appendDimension": more}
    if new:
        yield from _updates(
            place.sheet_id, 0, {len(place.headings) + at: name for at, name in enumerate(new)}
        )


def _updates(sheet_id: int, row: int, cells: Mapping[int, Scalar]) -> Iterator[dict[str, Any]]:
    """One request for each run of neighbouring cells, so that those between stay as they are."""
    ordered = sorted(cells)
    for _, run in groupby(enumerate(ordered), key=lambda one: one[1] - one[0]):
        columns = [column for _, column in run]
        start = {"sheetId": sheet_id, "rowIndex": row, "columnIndex": columns[0]}
        rows = [{"values": [_data(cells[column]) for column in columns]}]
        yield {"updateCells": {"start": start, "rows": rows, "fields": VALUES_ONLY}}


def _data(value: Scalar) -> dict[str, Any]:
    """A cell as Google has it; an empty one where there is no value."""
    plain = cell(value)
    if plain is None:
        return {}
    kind = {str: "stringValue", bool: "boolValue"}.get(type(plain), "numberValue")
    return {VALUES_ONLY: {kind: plain}}


def _bare(key: str) -> str:
    """A key or heading as it is compared: the apostrophe that keeps it from being run left out."""
    return safe_text(key).removeprefix("'")
