"""Rows that are found by a key: written where they are, or behind the others, in one write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from connectors.kit.action import Job, Outcome, Sent
from connectors.kit.capabilities import RowUpsert, Scalar
from connectors.kit.errors import InvalidRequest, NotFound, OutcomeUnknown
from connectors.kit.sandbox import Fault
from connectors.sheets.account import SheetsAccount
from connectors.sheets.actions import APPEND_ROW, UPDATE_ROW, UPSERT_ROW
from connectors.sheets.client import SheetsClient
from connectors.sheets.sandbox import SANDBOX_ACCOUNT, SheetsSandbox
from tests.connectors.conftest import Serve, served
from tests.connectors.contract import contract, record_traffic
from tests.connectors.sheets.discovery import complaints
from tests.connectors.sheets.test_sheets import row

BASE = "/sheets/v4/spreadsheets/sandbox-spreadsheet-0001"
READ, WRITE = f"GET {BASE}/values:batchGet", f"POST {BASE}:batchUpdate"


@pytest_asyncio.fixture(scope="module")
async def served_sandbox() -> AsyncIterator[tuple[SheetsSandbox, str]]:
    sandbox = SheetsSandbox()
    async with served(sandbox) as url:
        yield sandbox, url


@pytest.fixture
def sandbox(served_sandbox: tuple[SheetsSandbox, str]) -> SheetsSandbox:
    sandbox, _ = served_sandbox
    SheetsSandbox.__init__(sandbox)
    return sandbox


@pytest_asyncio.fixture
async def client(
    sandbox: SheetsSandbox, served_sandbox: tuple[SheetsSandbox, str]
) -> AsyncIterator[SheetsClient]:
    fields: dict[str, Any] = {**SANDBOX_ACCOUNT, "base_url": served_sandbox[1]}
    made = SheetsClient(SheetsAccount(**fields, worksheet="Sheet1"), read_seconds=0.4)
    yield made
    await made.aclose()


def keyed(key: str, table: str = "", column: str = "member", **values: Scalar) -> Job:
    made = RowUpsert(key_column=column, key=key, values=values, table=table)
    return Job(f"job:{key}", made)


async def upsert(client: SheetsClient, *jobs: Job) -> list[Outcome]:
    assert UPSERT_ROW.run_batch is not None
    return list(await UPSERT_ROW.run_batch(client, jobs))


def cells(sandbox: SheetsSandbox, title: str = "Sheet1") -> list[list[Any]]:
    found: list[list[Any]] = sandbox.worksheets[title]["cells"]
    return found


async def test_a_row_is_changed_where_it_is_and_added_where_it_is_not(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    outcomes = await upsert(client, keyed("m-2", points=7), keyed("m-3", points=1))
    assert outcomes == [Sent(vendor_id="Sheet1!member=m-2"), Sent(vendor_id="Sheet1!member=m-3")]
    assert cells(sandbox) == [["member", "points"], ["m-1", 100], ["m-2", 7], ["m-3", 1]]


async def test_a_missing_worksheet_is_made_with_its_headings(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    await upsert(client, keyed("m-1", "New one", points=Decimal("1.50"), tier="Gold"))
    assert cells(sandbox, "New one") == [["member", "points", "tier"], ["m-1", 1.5, "Gold"]]


async def test_missing_columns_come_behind_the_last_and_others_stay(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    sandbox.worksheets["Sheet1"]["columns"] = 2
    await upsert(client, keyed("m-1", tier="Gold", since="2026"))
    assert cells(sandbox)[:2] == [
        ["member", "points", "tier", "since"],
        ["m-1", 100, "Gold", "2026"],
    ]
    await upsert(client, keyed("m-1", points=None, since="2027"))
    assert cells(sandbox)[1] == ["m-1", "", "Gold", "2027"]


async def test_five_hundred_rows_cost_one_read_and_one_write(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    await upsert(client, keyed("m-1", points=1))
    sandbox.calls.clear()
    outcomes = await upsert(client, *[keyed(f"m-{n}", points=n) for n in range(500)])
    assert all(isinstance(one, Sent) for one in outcomes)
    assert dict(sandbox.calls) == {READ: 1, WRITE: 1}
    assert len(cells(sandbox)) == 501
    assert await upsert(client) == []


async def test_of_the_same_key_in_one_batch_there_is_one_row_with_the_later_values(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    await upsert(client, keyed("m-9", points=1, tier="Silver"), keyed("m-9", points=2))
    assert cells(sandbox)[3:] == [["m-9", 2, "Silver"]]


async def test_the_same_again_changes_nothing(client: SheetsClient, sandbox: SheetsSandbox) -> None:
    jobs = [keyed("=m", points=1), keyed("+49 660 1", points=2), keyed("007", points=3)]
    await upsert(client, *jobs)
    before = [list(line) for line in cells(sandbox)]
    await upsert(client, *jobs)
    assert cells(sandbox) == before
    assert before[3:] == [["'=m", 1], ["+49 660 1", 2], ["007", 3]]


async def test_after_a_lost_answer_the_same_again_makes_no_second_row(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    fault = Fault(status=0, when="after", hang_seconds=3, path=":batchUpdate")
    sandbox.faults.append(fault)
    job = keyed("m-9", points=1)
    assert [type(one) for one in await upsert(client, job)] == [OutcomeUnknown]
    await UPSERT_ROW.run(client, job)
    assert [line[0] for line in cells(sandbox)].count("m-9") == 1


async def test_a_number_that_somebody_typed_is_found_as_a_key(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    cells(sandbox).append([7001, 5])
    await upsert(client, keyed("7001", points=6))
    assert cells(sandbox)[3:] == [["7001", 6]]


async def test_a_column_that_somebody_moved_is_found_again(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    await upsert(client, keyed("m-1", points=1))
    sandbox.worksheets["Sheet1"]["cells"] = [["points", "member"], [1, "m-1"], [5, "m-2"]]
    await upsert(client, keyed("m-2", points=9))
    assert cells(sandbox)[1:] == [[1, "m-1"], [9, "m-2"]]


async def test_headings_that_look_like_formulas_are_made_once(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    for points in (1, 2):
        await UPSERT_ROW.run(client, Job("k", RowUpsert(
            key_column="member", key="m-1", values={"=SUM(A1)": points}
        )))  # fmt: skip
    assert cells(sandbox)[:2] == [["member", "points", "'=SUM(A1)"], ["m-1", 100, 2]]


async def test_an_update_adds_neither_row_nor_worksheet(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    assert UPDATE_ROW.run_batch is not None
    jobs = [keyed("m-1", points=1), keyed("m-9", points=2), keyed("m-1", "None such", points=3)]
    outcomes = await UPDATE_ROW.run_batch(client, jobs)
    assert [type(one) for one in outcomes] == [Sent, NotFound, NotFound]
    assert cells(sandbox) == [["member", "points"], ["m-1", 1], ["m-2", 5]]
    assert list(sandbox.worksheets) == ["Sheet1"]


async def test_a_cell_that_is_too_long_is_refused_alone(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    outcomes = await upsert(client, keyed("m-1", note="x" * 50_000), keyed("m-2", points=6))
    assert [type(one) for one in outcomes] == [InvalidRequest, Sent]
    assert cells(sandbox)[2] == ["m-2", 6]


async def test_rows_with_and_without_keys_share_a_worksheet(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    await APPEND_ROW.run(client, row("m-7", 1, key="key:7"))
    await upsert(client, keyed("m-7", points=2), keyed("m-8", tier="Gold"))
    assert cells(sandbox)[0] == ["member", "points", "hub key", "tier"]
    assert cells(sandbox)[3] == ["m-7", 2, "key:7"]
    sent = await APPEND_ROW.run(client, row("m-9", 3, key="key:9"))
    assert sent.vendor_id == "Sheet1!A6"


async def test_what_is_written_is_typed_and_digit_by_digit(serve: Serve) -> None:
    sandbox = SheetsSandbox()
    traffic = record_traffic(sandbox)
    fields: dict[str, Any] = {**SANDBOX_ACCOUNT, "base_url": await serve(sandbox)}
    client = SheetsClient(SheetsAccount(**fields, worksheet="Sheet1"))
    await upsert(client, keyed("m-1", points=Decimal("19.90"), is_gold=True, note="=1+1"))
    await upsert(client, keyed("m-5", "New", points=1))
    await UPDATE_ROW.run(client, keyed("m-1", points=None))
    await client.aclose()
    sent = [one.request for one in traffic if one.path.endswith(":batchUpdate")]
    assert b'{"userEnteredValue":{"numberValue":19.90}}' in sent[0]
    assert b'{"userEnteredValue":{"boolValue":true}}' in sent[0]
    assert b'{"userEnteredValue":{"stringValue":"\'=1+1"}}' in sent[0]
    assert not any(b"formulaValue" in one for one in sent)
    spec = contract("specs/googlesheets/discovery.json")
    calls = [one for one in traffic if one.path != "/token"]
    assert [complaints(spec, one) for one in calls] == [[]] * len(calls)
