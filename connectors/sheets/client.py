"""Speaks to one Google spreadsheet through gspread.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values

Every row ends with the key of its delivery, in the column headed `hub key`: that is how a row
is found again after an answer was lost, since Google has no key of its own for an append.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, ParamSpec, TypeVar

from connectors.kit.blocking import CONNECT_SECONDS, READ_SECONDS, Threads
from connectors.kit.errors import ConnectorBug, InvalidRequest, NotFound
from connectors.sheets.account import SheetsAccount
from connectors.sheets.notation import column_name, first_row, sheet_range
from connectors.sheets.tables import KeyedRow, Tables
from connectors.sheets.transport import Transport

P = ParamSpec("P")
T = TypeVar("T")

CONCURRENCY = 4
KEY_HEADING = "hub key"
LAYOUT_SECONDS = 60.0
KEYS_SECONDS = 2.0
SEARCHED_ROWS = 10_000

SHEET_FIELDS = "sheets.properties(sheetId,title,gridProperties)"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a worksheet keeps its keys. `key_column` counts from 1; `rows` includes empty ones."""

    key_column: int
    rows: int
    read_at: float


class SheetsClient:
    """One spreadsheet. Calls run in a few threads of the client's own.

    Args:
        read_seconds: How long to wait for an answer.
    """

    def __init__(self, account: SheetsAccount, *, read_seconds: float = READ_SECONDS) -> None:
        self._account = account
        self._id = account.spreadsheet_id
        self._transport = Transport(account, (CONNECT_SECONDS, read_seconds))
        self._threads = Threads("sheets", CONCURRENCY)
        self._tables = Tables(self._transport, self._id, self._worksheet)
        self._layout_lock = Lock()
        self._keys_lock = Lock()
        self._layouts: dict[str, Layout] = {}
        self._keys: dict[str, tuple[float, dict[str, int]]] = {}

    @property
    def worksheet(self) -> str:
        """The connection's default worksheet."""
        return self._account.worksheet

    async def check(self) -> str:
        """Reads the spreadsheet's title."""
        found = await self._run(self._metadata, "properties.title")
        return f"Google Sheets answers for the spreadsheet {_title(found)!r}."

    async def width(self, worksheet: str, wanted: int) -> int:
        """How many cells a row may have; makes the worksheet and its headings where missing.

        Args:
            wanted: How many cells a row should have room for, where headings are made now.
        """
        return (await self._run(self._layout, worksheet, wanted)).key_column - 1

    async def append(
        self, worksheet: str, rows: Sequence[Sequence[Any]], keys: Sequence[str]
    ) -> int:
        """Appends the rows in one call, each with its key; the row number of the first one."""
        return await self._run(self._append, worksheet, rows, keys)

    async def find(self, worksheet: str, key: str) -> int | None:
        """The row that holds the key, among the last 10,000, or None."""
        return (await self._run(self._known_keys, worksheet)).get(key)

    async def write_rows(
        self, worksheet: str, key_column: str, rows: Sequence[KeyedRow], *, creates: bool
    ) -> list[bool]:
        """Writes rows found by their key, in one write; says of each whether there is one now.

        Args:
            creates: Whether a row (or worksheet) that is not there is made.
        """
        return await self._run(self._tables.write, worksheet, key_column, rows, creates=creates)

    async def aclose(self) -> None:
        """Closes the connections and lets the threads end."""
        self._threads.close()
        self._transport.close()

    async def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._threads.run(call, *args, **kwargs)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            # All that is done there is to take Google's replies apart.
            raise ConnectorBug(
                f"Google's reply is not what it documents ({type(error).__name__})"
            ) from error

    def _append(self, worksheet: str, rows: Sequence[Sequence[Any]], keys: Sequence[str]) -> int:
        width = self._layout(worksheet, max(map(len, rows))).key_column - 1
        values = [
            [*row, *[None] * (width - len(row)), key] for row, key in zip(rows, keys, strict=True)
        ]
        try:
            reply = self._transport.gspread().values_append(
                self._id,
                sheet_range(worksheet, "A1"),
                {"valueInputOption": "RAW", "insertDataOption": "INSERT_ROWS"},
                {"majorDimension": "ROWS", "values": values},
            )
        finally:
            with self._keys_lock:
                self._keys.pop(worksheet, None)
        return first_row(str((reply.get("updates") or {}).get("updatedRange", "")))

    def _known_keys(self, worksheet: str) -> dict[str, int]:
        """The keys in the worksheet. A batch looks 500 of them up, in one call every 2 seconds."""
        with self._keys_lock:
            read_at, keys = self._keys.get(worksheet, (None, {}))
            if read_at is None or time.monotonic() - read_at > KEYS_SECONDS:
                keys = self._read_keys(worksheet)
                self._keys[worksheet] = (time.monotonic(), keys)
            return keys

    def _read_keys(self, worksheet: str) -> dict[str, int]:
        properties = self._sheets().get(worksheet)
        headings = [] if properties is None else self._read_headings(worksheet)
        if properties is None or KEY_HEADING not in headings:
            return {}
        # Rows may have been added since: the range is open at its end.
        start = max(2, int(properties["gridProperties"]["rowCount"]) - SEARCHED_ROWS + 1)
        column = column_name(headings.index(KEY_HEADING) + 1)
        reply = self._transport.gspread().values_get(
            self._id,
            sheet_range(worksheet, f"{column}{start}:{column}"),
            {"majorDimension": "COLUMNS", "valueRenderOption": "UNFORMATTED_VALUE"},
        )
        [cells] = reply.get("values") or [[]]
        return {str(cell): start + place for place, cell in enumerate(cells) if cell != ""}

    def _layout(self, worksheet: str, wanted: int) -> Layout:
        """The worksheet's layout, read at most once a minute and made where it is missing."""
        with self._layout_lock:
            known = self._layouts.get(worksheet)
            if known is None or time.monotonic() - known.read_at > LAYOUT_SECONDS:
                known = self._layouts[worksheet] = self._make_layout(worksheet, wanted)
            return known

    def _make_layout(self, worksheet: str, wanted: int) -> Layout:
        new = [*self._account.columns]
        new += [f"Value {number}" for number in range(len(new) + 1, wanted + 1)]
        properties = self._sheets().get(worksheet) or self._create(worksheet, len(new) + 1)
        grid = properties["gridProperties"]
        headings = self._read_headings(worksheet)
        if KEY_HEADING not in headings:
            if headings and headings[0] == "":
                raise InvalidRequest(f"the headings of {worksheet!r} have to begin in the cell A1")
            missing = [KEY_HEADING] if headings else [*new, KEY_HEADING]
            self._widen(properties["sheetId"], len(headings) + len(missing) - grid["columnCount"])
            self._write_headings(worksheet, len(headings) + 1, missing)
            headings = [*headings, *missing]
        return Layout(headings.index(KEY_HEADING) + 1, grid["rowCount"], time.monotonic())

    def _worksheet(self, worksheet: str, columns: int) -> dict[str, Any] | None:
        """A worksheet's properties; one that is missing is made, unless it needs no columns."""
        found = self._sheets().get(worksheet)
        return self._create(worksheet, columns) if found is None and columns else found

    def _create(self, worksheet: str, columns: int) -> dict[str, Any]:
        if not self._account.create_worksheet:
            raise NotFound(
                f"the spreadsheet has no worksheet {worksheet!r}: create it, or let the "
                "connection create worksheets"
            )
        grid = {"rowCount": 2, "columnCount": columns, "frozenRowCount": 1}
        added = {"addSheet": {"properties": {"title": worksheet, "gridProperties": grid}}}
        try:
            self._transport.gspread().batch_update(self._id, {"requests": [added]})
        except InvalidRequest:
            # Another process may have been faster.
            if worksheet not in self._sheets():
                raise
        return self._sheets()[worksheet]

    def _widen(self, sheet_id: int, columns: int) -> None:
        if columns > 0:
            more = {"sheetId": sheet_id, "dimension": "COLUMNS", "length": columns}
            request = {"requests": [{"appendDimension": more}]}
            self._transport.gspread().batch_update(self._id, request)

    def _read_headings(self, worksheet: str) -> list[Any]:
        reply = self._transport.gspread().values_get(self._id, sheet_range(worksheet, "1:1"))
        [headings] = reply.get("values") or [[]]
        return list(headings)

    def _write_headings(self, worksheet: str, column: int, headings: list[str]) -> None:
        self._transport.gspread().values_update(
            self._id,
            sheet_range(worksheet, f"{column_name(column)}1"),
            {"valueInputOption": "RAW"},
            {"majorDimension": "ROWS", "values": [headings]},
        )

    def _sheets(self) -> dict[str, dict[str, Any]]:
        found = self._metadata(SHEET_FIELDS).get("sheets") or []
        return {one["properties"]["title"]: one["properties"] for one in found}

    def _metadata(self, fields: str) -> dict[str, Any]:
        found: dict[str, Any] = self._transport.gspread().fetch_sheet_metadata(
            self._id, {"fields": fields}
        )
        return found


def _title(spreadsheet: dict[str, Any]) -> str:
    return str(spreadsheet["properties"]["title"])
