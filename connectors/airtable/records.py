"""Records: upserted by a column, updated by their id, created under a reference.

https://airtable.com/developers/web/api/update-multiple-records: ten in a call. A call with one
bad record is refused as a whole, so each record is then asked for alone. A new record is upserted
by the reference of its job, so that sending it again makes no second one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from connectors.kit.action import Job, Outcome, Payload, Sent
from connectors.kit.capabilities import CrmContact, Properties, RowUpsert
from connectors.kit.errors import Conflict, ConnectorError, InvalidRequest, NotFound
from connectors.kit.values import json_value

if TYPE_CHECKING:
    from connectors.airtable.client import AirtableClient

BATCH_SIZE = 10
Table = Annotated[str, Field(max_length=200)]


class RecordCreate(Payload):
    """A new record. `table` empty means the connection's default."""

    fields: Annotated[Properties, Field(min_length=1)]
    table: Table = ""


class RecordUpdate(Payload):
    """Fields of a record that is there; None clears one."""

    record_id: Annotated[str, Field(pattern=r"^rec[A-Za-z0-9]{14}$")]
    fields: Annotated[Properties, Field(min_length=1)]
    table: Table = ""


@dataclass(frozen=True)
class _Write:
    """What one job writes.

    Attributes:
        group: The table and the column of the key: jobs of one group may share a call.
        row: Jobs that mean the same row become one record, the last word on each field.
    """

    group: tuple[str, str]
    row: Hashable
    fields: Mapping[str, Any]


Plan = Callable[["AirtableClient", Job], _Write]
Send = Callable[["AirtableClient", Sequence[_Write]], Awaitable[list[str]]]


async def _batched(
    client: AirtableClient, jobs: Sequence[Job], plan: Plan, send: Send
) -> Sequence[Outcome]:
    outcomes: dict[int, Outcome] = {}
    groups: dict[tuple[str, str], list[tuple[int, _Write]]] = {}
    for place, job in enumerate(jobs):
        try:
            write = plan(client, job)
        except InvalidRequest as error:
            outcomes[place] = error
        else:
            groups.setdefault(write.group, []).append((place, write))
    for planned in groups.values():
        outcomes |= await _grouped(client, planned, send)
    return [outcomes[place] for place in range(len(jobs))]


async def _grouped(
    client: AirtableClient, planned: Sequence[tuple[int, _Write]], send: Send
) -> dict[int, Outcome]:
    rows: dict[Hashable, list[tuple[int, _Write]]] = {}
    for place, write in planned:
        rows.setdefault(write.row, []).append((place, write))
    merged = [
        _Write(some[0][1].group, row, {k: v for _, one in some for k, v in one.fields.items()})
        for row, some in rows.items()
    ]
    found: dict[int, Outcome] = {}
    for start in range(0, len(merged), BATCH_SIZE):
        some = merged[start : start + BATCH_SIZE]
        for write, outcome in zip(some, await _sent(client, some, send), strict=True):
            members = rows[write.row]
            found |= {place: outcome for place, _ in members}
            if len(members) > 1 and isinstance(outcome, InvalidRequest):
                # One of them spoils the merged row: alone, each gets its own answer.
                for place, one in members:
                    (found[place],) = await _sent(client, [one], send)
    return found


async def _sent(client: AirtableClient, writes: Sequence[_Write], send: Send) -> list[Outcome]:
    try:
        return [Sent(vendor_id=one) for one in await send(client, writes)]
    except (InvalidRequest, Conflict, NotFound) as error:
        if len(writes) == 1:
            return [error]
    found: list[Outcome] = []
    for write in writes:
        found += await _sent(client, [write], send)
    return found


def _single(outcomes: Sequence[Outcome]) -> Sent:
    (outcome,) = outcomes
    if isinstance(outcome, ConnectorError):
        raise outcome
    return outcome


# --- upsert ----------------------------------------------------------------------------------


async def upsert_row(client: AirtableClient, job: Job) -> Sent:
    """Writes the row with this key, or makes it."""
    return _single(await upsert_rows(client, [job]))


async def upsert_rows(client: AirtableClient, jobs: Sequence[Job]) -> Sequence[Outcome]:
    """Writes up to ten rows in one call, where they are of one table and key column."""
    return await _batched(client, jobs, _plan_row, _send_upsert)


def _plan_row(client: AirtableClient, job: Job) -> _Write:
    row: RowUpsert = job.input
    group = (row.table or client.account.table, row.key_column)
    return _Write(group, row.key, {**cells(row.values), row.key_column: row.key})


async def upsert_contact(client: AirtableClient, job: Job) -> Sent:
    """Writes the person with this e-mail address, or adds them."""
    return _single(await upsert_contacts(client, [job]))


async def upsert_contacts(client: AirtableClient, jobs: Sequence[Job]) -> Sequence[Outcome]:
    """Writes up to ten people in one call."""
    return await _batched(client, jobs, _plan_contact, _send_upsert)


def _plan_contact(client: AirtableClient, job: Job) -> _Write:
    person: CrmContact = job.input
    account = client.account
    if not account.people_table:
        raise InvalidRequest("this connection names no table of people: set it in its block")
    known = {
        account.phone_field: person.phone,
        account.first_name_field: person.first_name,
        account.last_name_field: person.last_name,
    }
    said = {name: text for name, text in known.items() if name and text}
    email = person.email.strip().lower()
    fields = {**said, **cells(person.properties), account.email_field: email}
    return _Write((account.people_table, account.email_field), email, fields)


async def _send_upsert(client: AirtableClient, writes: Sequence[_Write]) -> list[str]:
    table, by = writes[0].group
    return await client.upsert(table, by, [write.fields for write in writes])


# --- update and create -----------------------------------------------------------------------


async def update_record(client: AirtableClient, job: Job) -> Sent:
    """Writes fields of one record."""
    return _single(await update_records(client, [job]))


async def update_records(client: AirtableClient, jobs: Sequence[Job]) -> Sequence[Outcome]:
    """Writes fields of up to ten records of a table in one call."""
    return await _batched(client, jobs, _plan_update, _send_update)


def _plan_update(client: AirtableClient, job: Job) -> _Write:
    change: RecordUpdate = job.input
    table = change.table or client.account.table
    return _Write((table, ""), change.record_id, cells(change.fields))


async def _send_update(client: AirtableClient, writes: Sequence[_Write]) -> list[str]:
    rows = [(str(write.row), write.fields) for write in writes]
    return await client.update(writes[0].group[0], rows)


async def create_record(client: AirtableClient, job: Job) -> Sent:
    """Makes one record."""
    return _single(await create_records(client, [job]))


async def create_records(client: AirtableClient, jobs: Sequence[Job]) -> Sequence[Outcome]:
    """Makes up to ten records of a table in one call."""
    return await _batched(client, jobs, _plan_create, _send_upsert)


def _plan_create(client: AirtableClient, job: Job) -> _Write:
    record: RecordCreate = job.input
    column, mark = client.account.reference_field, reference(job)
    group = (record.table or client.account.table, column)
    return _Write(group, mark, {**cells(record.fields), column: mark})


def reference(job: Job) -> str:
    """What tells this job's record from all others."""
    return f"hub-{hashlib.sha256(job.key.encode()).hexdigest()[:24]}"


def cells(values: Properties) -> dict[str, Any]:
    """Values as cells; None clears one.

    Raises:
        InvalidRequest: A number has more digits than JSON's numbers keep.
    """
    return {name: json_value(value, name) for name, value in values.items()}
