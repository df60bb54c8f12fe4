"""Rows of data extensions, fifty in a call.

https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/postDataExtensionRowsetByKey.html:
a row is found by its primary key and written. A set is refused as a whole, so after a refusal
each of its rows is tried alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from connectors.kit.action import Job, Outcome, Sent
from connectors.kit.capabilities import RowUpsert
from connectors.kit.errors import InvalidRequest, NotFound
from connectors.salesforce.contacts import plain

if TYPE_CHECKING:
    from connectors.salesforce.client import SalesforceClient

ROWS_PER_CALL = 50
"""The vendor's advice; so are at most 50 columns."""


async def upsert_row(client: SalesforceClient, job: Job) -> Sent:
    """Writes one row."""
    await _write(client, _table(client, job.input), [job.input])
    return _sent(job)


async def upsert_rows(client: SalesforceClient, jobs: Sequence[Job]) -> Sequence[Outcome]:
    """Writes many, one outcome each; the same row twice is written in the jobs' order."""
    outcomes: dict[int, Outcome] = {}
    for numbers in _rounds(client, jobs):
        rows = [jobs[number].input for number in numbers]
        try:
            await _write(client, _table(client, rows[0]), rows)
        except (InvalidRequest, NotFound) as error:
            for number in numbers:
                outcomes[number] = await _alone(client, jobs[number]) if len(numbers) > 1 else error
        else:
            outcomes |= {number: _sent(jobs[number]) for number in numbers}
    return [outcomes[number] for number in range(len(jobs))]


async def _alone(client: SalesforceClient, job: Job) -> Outcome:
    try:
        return await upsert_row(client, job)
    except (InvalidRequest, NotFound) as error:
        return error


def _rounds(client: SalesforceClient, jobs: Sequence[Job]) -> Iterator[list[int]]:
    """The jobs by data extension, in sets in which no row stands twice."""
    tables: dict[str, list[int]] = {}
    for number, job in enumerate(jobs):
        tables.setdefault(job.input.table or client.account.data_extension, []).append(number)
    for numbers in tables.values():
        current: list[int] = []
        seen: set[tuple[str, str]] = set()
        for number in numbers:
            row = (jobs[number].input.key_column, jobs[number].input.key)
            if row in seen or len(current) == ROWS_PER_CALL:
                yield current
                current, seen = [], set()
            current.append(number)
            seen.add(row)
        yield current


async def _write(client: SalesforceClient, table: str, rows: Sequence[RowUpsert]) -> None:
    body: list[dict[str, Any]] = [
        {
            "keys": {row.key_column: row.key},
            "values": {name: plain(value) for name, value in row.values.items()},
        }
        for row in rows
    ]
    await client.call("POST", f"/hub/v1/dataevents/key:{quote(table, safe='')}/rowset", body)


def _table(client: SalesforceClient, row: RowUpsert) -> str:
    found = row.table or client.account.data_extension
    if not found:
        raise InvalidRequest(
            "no data extension is named: give its external key, or set `data_extension` in the "
            "connection's block"
        )
    return found


def _sent(job: Job) -> Sent:
    return Sent(vendor_id=job.input.key)
