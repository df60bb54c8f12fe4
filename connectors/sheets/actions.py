"""Rows at the end of a worksheet, or where their key stands, many in one call.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values/append

Values are written RAW: Sheets evaluates nothing. Google has no idempotency key for an append,
so the last column holds the delivery's key, and after a lost answer `find` looks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from connectors.kit.action import Action, Capability, Idempotency, Job, Outcome, Sent
from connectors.kit.capabilities import RowUpsert, Scalar, SheetRow
from connectors.kit.errors import ConnectorError, InvalidRequest, NotFound
from connectors.sheets.account import SCOPE
from connectors.sheets.notation import cell, safe_text
from connectors.sheets.tables import KeyedRow

if TYPE_CHECKING:
    from connectors.sheets.client import SheetsClient

BATCH_SIZE = 500
MAX_CELL_LETTERS = 50_000


async def append_row(client: SheetsClient, job: Job) -> Sent:
    """Appends one row; `vendor_id` is its first cell, such as `Loyalty!A12`."""
    return _one(await append_rows(client, [job]))


async def append_rows(client: SheetsClient, jobs: Sequence[Job]) -> Sequence[Outcome]:
    """Appends the rows of each worksheet in one call, in the order of the jobs."""
    places: dict[str, list[int]] = {}
    for place, job in enumerate(jobs):
        places.setdefault(job.input.worksheet or client.worksheet, []).append(place)
    outcomes: dict[int, Outcome] = {}
    for worksheet, some in places.items():
        try:
            outcomes.update(await _append(client, worksheet, {at: jobs[at] for at in some}))
        except ConnectorError as error:
            outcomes.update(dict.fromkeys(some, error))
    return [outcomes[place] for place in range(len(jobs))]


async def _append(client: SheetsClient, worksheet: str, jobs: dict[int, Job]) -> dict[int, Outcome]:
    width = await client.width(worksheet, max(len(job.input.values) for job in jobs.values()))
    refused = {at: why for at, job in jobs.items() if (why := _why_not(job.input, width))}
    good = {at: job for at, job in jobs.items() if at not in refused}
    outcomes: dict[int, Outcome] = {at: InvalidRequest(why) for at, why in refused.items()}
    if good:
        rows = [[cell(value) for value in job.input.values] for job in good.values()]
        keys = [safe_text(job.key) for job in good.values()]
        try:
            first = await client.append(worksheet, rows, keys)
        except ConnectorError as error:
            return outcomes | dict.fromkeys(good, error)
        for number, at in enumerate(good, first):
            outcomes[at] = _sent(worksheet, number)
    return outcomes


def _why_not(row: SheetRow, width: int) -> str:
    if len(row.values) > width:
        return (
            f"the row has {len(row.values)} values, but the worksheet has {width} columns "
            "before 'hub key': insert columns to the left of it"
        )
    return _too_long(row.values)


def _too_long(values: Iterable[Scalar]) -> str:
    if any(isinstance(one, str) and len(one) >= MAX_CELL_LETTERS for one in values):
        return f"a cell holds at most {MAX_CELL_LETTERS:,} characters"
    return ""


async def find_row(client: SheetsClient, job: Job) -> Sent | None:
    """The row of this job, if it was appended already, among the last 10,000 rows."""
    worksheet = job.input.worksheet or client.worksheet
    number = await client.find(worksheet, safe_text(job.key))
    return None if number is None else _sent(worksheet, number)


def _sent(worksheet: str, number: int) -> Sent:
    return Sent(vendor_id=f"{worksheet}!A{number}")


# --- rows with a key -------------------------------------------------------------------------


async def upsert_row(client: SheetsClient, job: Job) -> Sent:
    """Writes the row with this key, or adds it; `vendor_id` names it, such as `Loyalty!id=m-1`."""
    return _one(await upsert_rows(client, [job]))


async def update_row(client: SheetsClient, job: Job) -> Sent:
    """Writes the row with this key; NotFound where there is none."""
    return _one(await update_rows(client, [job]))


async def upsert_rows(client: SheetsClient, jobs: Sequence[Job]) -> Sequence[Outcome]:
    """Writes the rows of each table in one write; of the same key the later values win."""
    return await _write(client, jobs, creates=True)


async def update_rows(client: SheetsClient, jobs: Sequence[Job]) -> Sequence[Outcome]:
    """As `upsert_rows`, for rows that are there."""
    return await _write(client, jobs, creates=False)


def _one(outcomes: Sequence[Outcome]) -> Sent:
    [outcome] = outcomes
    if isinstance(outcome, ConnectorError):
        raise outcome
    return outcome


async def _write(client: SheetsClient, jobs: Sequence[Job], *, creates: bool) -> Sequence[Outcome]:
    outcomes: dict[int, Outcome] = {}
    places: dict[tuple[str, str], list[int]] = {}
    for at, job in enumerate(jobs):
        row: RowUpsert = job.input
        if too_long := _too_long((row.key_column, row.key, *row.values, *row.values.values())):
            outcomes[at] = InvalidRequest(too_long)
        else:
            places.setdefault((row.table or client.worksheet, row.key_column), []).append(at)
    for (table, column), some in places.items():
        rows = [KeyedRow(jobs[at].input.key, jobs[at].input.values) for at in some]
        try:
            written = await client.write_rows(table, column, rows, creates=creates)
        except ConnectorError as error:
            outcomes.update(dict.fromkeys(some, error))
            continue
        for at, is_there in zip(some, written, strict=True):
            name = f"{table}!{column}={jobs[at].input.key}"
            missing = f"the worksheet {table!r} has no row whose {column!r} is the one asked for"
            outcomes[at] = Sent(vendor_id=name) if is_there else NotFound(missing)
    return [outcomes[at] for at in range(len(jobs))]


APPEND_ROW = Action(
    name="append_row",
    title="Append a row to a worksheet.",
    input=SheetRow,
    output=Sent,
    idempotency=Idempotency.SEARCH_FIRST,
    run=append_row,
    capability=Capability.SHEET,
    run_batch=append_rows,
    batch_size=BATCH_SIZE,
    find=find_row,
    sample="append_row.response.json",
    scopes=(SCOPE,),
)
UPSERT_ROW = Action(
    name="upsert_row",
    title="Write the row with a key, or add it.",
    input=RowUpsert,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=upsert_row,
    capability=Capability.ROW,
    run_batch=upsert_rows,
    batch_size=BATCH_SIZE,
    sample="upsert_row.response.json",
    scopes=(SCOPE,),
)
UPDATE_ROW = Action(
    name="update_row",
    title="Write the row with a key, if there is one.",
    input=RowUpsert,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=update_row,
    run_batch=update_rows,
    batch_size=BATCH_SIZE,
    sample="update_row.response.json",
    scopes=(SCOPE,),
)

ACTIONS = (APPEND_ROW, UPSERT_ROW, UPDATE_ROW)
