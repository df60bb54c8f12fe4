"""A stand-in for Google Sheets and for the token endpoint of its service accounts.

It reads the claims of the signed token request but not the signature: the key in
SANDBOX_ACCOUNT is made afresh by every process, so that none is kept in the project.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.capabilities import RowUpsert
from connectors.kit.sandbox import VendorSandbox
from connectors.kit.window import Window

SPREADSHEET = "sandbox-spreadsheet-0001"
CLIENT_EMAIL = "hub@sandbox-sheets.example"
KEY_HEADING = "hub key"


def _key_file() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "sandbox-sheets",
            "private_key_id": "sandbox-sheets-key",
            "private_key": pem.decode(),
            "client_email": CLIENT_EMAIL,
            "token_uri": "https://oauth2.googleapis.com/token",
        }
    )


SANDBOX_ACCOUNT = {"service_account": _key_file(), "spreadsheet_id": SPREADSHEET}

Handler = Callable[[Request], Awaitable[Response]]


class SheetsSandbox(VendorSandbox):
    """One spreadsheet. Records `row` for each appended row, with its worksheet, values and key.

    Args:
        writes_per_minute: The vendor allows one user 60, and a project 300.
    """

    slug = "sheets"
    wrong: ClassVar = {"service_account": SANDBOX_ACCOUNT["service_account"].replace("hub@", "no@")}
    examples: ClassVar = {
        "update_row": (
            RowUpsert(table="Sheet1", key_column="member", key="m-1", values={"points": 120}),
        ),
    }

    def __init__(self, *, writes_per_minute: int = 300) -> None:
        super().__init__()
        self.worksheets: dict[str, dict[str, Any]] = {}
        self.tokens: set[str] = set()
        self._issued = 0
        self._window = Window(writes_per_minute, 60.0)
        self.add_worksheet("Sheet1")["cells"] = [["member", "points"], ["m-1", 100], ["m-2", 5]]

    def add_worksheet(self, title: str, *, columns: int = 26, rows: int = 1000) -> dict[str, Any]:
        """An empty worksheet."""
        number = len(self.worksheets)
        sheet = {"sheetId": number, "columns": columns, "rows": rows, "cells": []}
        return self.worksheets.setdefault(title, sheet)

    def routes(self) -> list[BaseRoute]:
        """The addresses the connector calls."""
        one, value = "/v4/spreadsheets/{id}", "/v4/spreadsheets/{id}/values/{range:path}"
        calls: list[tuple[str, str, Handler]] = [
            ("POST", f"{one}:batchUpdate", self._batch_update),
            ("POST", f"{value}:append", self._append),
            ("PUT", value, self._update),
            ("GET", f"{one}/values:batchGet", self._batch_get),
            ("GET", value, self._get_values),
            ("GET", one, self._get),
        ]
        routes: list[BaseRoute] = [Route("/token", self._token, methods=["POST"])]
        return routes + [
            Route(path, self._guarded(handler), methods=[method]) for method, path, handler in calls
        ]

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
                return _error(401, "UNAUTHENTICATED", "Request had invalid credentials.")
            if request.path_params["id"] != SPREADSHEET:
                return _error(404, "NOT_FOUND", "Requested entity was not found.")
            if request.method != "GET" and self._window.take():
                return _error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for write requests.")
            try:
                return await handler(request)
            except _Refused as refused:
                return _error(400, "INVALID_ARGUMENT", str(refused))

        return guarded

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        try:
            payload = str(form["assertion"]).split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            known = claims["iss"] == CLIENT_EMAIL and claims["exp"] > time.time()
            good = known and claims["aud"].endswith("/token") and "spreadsheets" in claims["scope"]
        except (LookupError, ValueError):
            good = False
        if not good:
            body = {"error": "invalid_grant", "error_description": "Invalid grant: unknown account"}
            return JSONResponse(body, status_code=400)
        self._issued += 1
        token = f"sandbox-sheets-token-{self._issued}"
        self.tokens.add(token)
        return JSONResponse({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    async def _get(self, request: Request) -> Response:
        sheets = [
            {
                "properties": {
                    "sheetId": sheet["sheetId"],
                    "title": title,
                    "gridProperties": {"rowCount": sheet["rows"], "columnCount": sheet["columns"]},
                }
            }
            for title, sheet in self.worksheets.items()
        ]
        return JSONResponse({"properties": {"title": "Sandbox spreadsheet"}, "sheets": sheets})

    async def _batch_update(self, request: Request) -> Response:
        for one in (await request.json())["requests"]:
            if "addSheet" in one:
                properties = one["addSheet"]["properties"]
                if properties["title"] in self.worksheets:
                    raise _Refused("A sheet with that name already exists.")
                grid = properties["gridProperties"]
                self.add_worksheet(
                    properties["title"], columns=grid["columnCount"], rows=grid["rowCount"]
                )
            elif "appendDimension" in one:
                more = one["appendDimension"]
                self._by_id(more["sheetId"])[1]["columns"] += more["length"]
            elif "appendCells" in one:
                self._append_cells(one["appendCells"])
            else:
                self._update_cells(one["updateCells"])
        return JSONResponse({"spreadsheetId": SPREADSHEET, "replies": [{}]})

    def _by_id(self, number: int) -> tuple[str, dict[str, Any]]:
        for title, sheet in self.worksheets.items():
            if sheet["sheetId"] == number:
                return title, sheet
        raise _Refused(f"No grid with id: {number}")

    def _append_cells(self, asked: dict[str, Any]) -> None:
        title, sheet = self._by_id(asked["sheetId"])
        for row in asked["rows"]:
            cells = [_plain(one) for one in row["values"]]
            if len(cells) > sheet["columns"]:
                raise _Refused("Attempting to write column beyond the grid.")
            sheet["cells"].append(cells)
            self.record("row", worksheet=title, values=cells, key="")

    def _update_cells(self, asked: dict[str, Any]) -> None:
        title, sheet = self._by_id(asked["start"]["sheetId"])
        row, column = asked["start"]["rowIndex"], asked["start"]["columnIndex"]
        values = [_plain(one) for one in asked["rows"][0]["values"]]
        if column + len(values) > sheet["columns"]:
            raise _Refused("Attempting to write column beyond the grid.")
        lines = sheet["cells"]
        lines += [[] for _ in range(row + 1 - len(lines))]
        lines[row] += [""] * (column + len(values) - len(lines[row]))
        lines[row][column : column + len(values)] = values
        if row:
            self.record("cells", worksheet=title, row=row + 1, column=column + 1, values=values)

    async def _batch_get(self, request: Request) -> Response:
        found = []
        for one in request.query_params.getlist("ranges"):
            title, cells = self._placed(one)
            rows = self.worksheets[title]["cells"]
            if cells == "1:1":
                values = rows[:1]
            else:
                column = _number(cells.partition(":")[0])
                values = [[_at(row, column)] if _at(row, column) != "" else [] for row in rows]
            told: dict[str, Any] = {"range": f"{title}!{cells}", "majorDimension": "ROWS"}
            found.append(told | ({"values": values} if any(values) else {}))
        return JSONResponse({"spreadsheetId": SPREADSHEET, "valueRanges": found})

    async def _get_values(self, request: Request) -> Response:
        title, cells = self._located(request)
        rows = self.worksheets[title]["cells"]
        found = re.fullmatch(r"([A-Z]+)(\d+):\1", cells)
        if cells == "1:1":
            values = [rows[0]] if rows and rows[0] else []
        elif found:
            column, start = _number(found[1]), int(found[2])
            picked = [_at(row, column) for row in rows[start - 1 :]]
            values = [picked] if picked else []
        else:
            raise _Refused(f"Unable to parse range: {cells}")
        body: dict[str, Any] = {"range": f"{title}!{cells}", "majorDimension": "ROWS"}
        return JSONResponse(body | ({"values": values} if values else {}))

    async def _update(self, request: Request) -> Response:
        title, cells = self._located(request)
        sheet, values = self.worksheets[title], await self._values(request)
        column = _number(cells.rstrip("0123456789"))
        if column + len(values[0]) - 1 > sheet["columns"]:
            raise _Refused(f"Range ({title}!{cells}) exceeds grid limits.")
        rows = sheet["cells"] = sheet["cells"] or [[]]
        rows[0] = [*rows[0], *[""] * (column - 1 - len(rows[0]))][: column - 1] + values[0]
        return JSONResponse({"spreadsheetId": SPREADSHEET, "updatedRows": 1})

    async def _append(self, request: Request) -> Response:
        title, _ = self._located(request)
        sheet, values = self.worksheets[title], await self._values(request)
        headings = sheet["cells"][0] if sheet["cells"] else []
        first = len(sheet["cells"]) + 1
        for row in values:
            place = headings.index(KEY_HEADING) if KEY_HEADING in headings else len(row)
            cells = ["" if one is None else one for one in row]
            sheet["cells"].append(cells)
            self.record("row", worksheet=title, values=cells[:place], key=_at(cells, place + 1))
        sheet["rows"] += len(values)
        width = max(map(len, values))
        written = f"{title}!A{first}:{chr(64 + min(width, 26))}{first + len(values) - 1}"
        updates: dict[str, Any] = {"spreadsheetId": SPREADSHEET, "updatedRange": written}
        updates |= {"updatedRows": len(values), "updatedColumns": width}
        return JSONResponse({"spreadsheetId": SPREADSHEET, "updates": updates})

    async def _values(self, request: Request) -> list[list[Any]]:
        if request.query_params.get("valueInputOption") not in ("RAW", "USER_ENTERED"):
            raise _Refused("'valueInputOption' is required but not specified")
        values: list[list[Any]] = (await request.json()).get("values", [])
        if any(isinstance(one, str) and len(one) > 50_000 for row in values for one in row):
            raise _Refused("Your input contains more than the maximum of 50000 characters.")
        return values

    def _located(self, request: Request) -> tuple[str, str]:
        return self._placed(request.path_params["range"])

    def _placed(self, place: str) -> tuple[str, str]:
        quoted, _, cells = place.rpartition("!")
        title = quoted[1:-1].replace("''", "'")
        if title not in self.worksheets or quoted[0] + quoted[-1] != "''":
            raise _Refused(f"Unable to parse range: {place}")
        return title, cells


class _Refused(Exception):
    """The request is wrong; the text says how."""


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _at(row: list[Any], column: int) -> Any:
    return row[column - 1] if column <= len(row) else ""


def _plain(data: dict[str, Any]) -> Any:
    """What stands in a cell; it takes texts, numbers and truths, and no formula is among them."""
    entered = data.get("userEnteredValue") or {"stringValue": ""}
    [(kind, value)] = entered.items()
    if kind not in ("stringValue", "numberValue", "boolValue"):
        raise _Refused(f"Unexpected {kind}")
    return value


def _error(status: int, code: str, message: str) -> Response:
    error = {"code": status, "message": message, "status": code}
    return JSONResponse({"error": error}, status_code=status)
