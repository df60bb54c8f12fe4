"""Google Sheets through gspread and google-auth, against the sandbox over HTTP."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
import pytest_asyncio
from pydantic import ValidationError

from connectors.kit.action import Idempotency, Job, Outcome, Sent
from connectors.kit.capabilities import Scalar, SheetRow
from connectors.kit.errors import (
    AuthError,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ScopeError,
    Transient,
)
from connectors.kit.sandbox import Fault
from connectors.sheets.account import SheetsAccount
from connectors.sheets.actions import APPEND_ROW
from connectors.sheets.client import SheetsClient
from connectors.sheets.manifest import MANIFEST
from connectors.sheets.notation import cell, column_name, safe_text
from connectors.sheets.sandbox import CLIENT_EMAIL, SANDBOX_ACCOUNT, SheetsSandbox
from tests.connectors.conftest import Serve, served
from tests.connectors.contract import contract, record_traffic
from tests.connectors.error_table import PAUSES, REFUSALS, exactly, is_close, pause, refusal
from tests.connectors.sheets.discovery import complaints

CANARY = "canary-sheets-secret"
BASE = "/sheets/v4/spreadsheets/sandbox-spreadsheet-0001"
APPEND = f"POST {BASE}/values/'Loyalty'!A1:append"


@pytest_asyncio.fixture(scope="module")
async def served_sandbox() -> AsyncIterator[tuple[SheetsSandbox, str]]:
    """One server for all tests here: starting and stopping costs more than most of them."""
    sandbox = SheetsSandbox()
    async with served(sandbox) as url:
        yield sandbox, url


@pytest.fixture
def sandbox(served_sandbox: tuple[SheetsSandbox, str]) -> SheetsSandbox:
    sandbox, _ = served_sandbox
    SheetsSandbox.__init__(sandbox)
    return sandbox


@pytest.fixture
def url(sandbox: SheetsSandbox, served_sandbox: tuple[SheetsSandbox, str]) -> str:
    return served_sandbox[1]


@pytest_asyncio.fixture
async def client(url: str) -> AsyncIterator[SheetsClient]:
    made = SheetsClient(account(url), read_seconds=1.0)
    yield made
    await made.aclose()


def account(url: str, **fields: Any) -> SheetsAccount:
    return SheetsAccount(**{**SANDBOX_ACCOUNT, **fields}, base_url=url)


def row(*values: Scalar, key: str = "key:0", worksheet: str = "") -> Job:
    return Job(key, SheetRow(values=values or ("x",), worksheet=worksheet))


async def run_batch(client: SheetsClient, jobs: list[Job]) -> list[Outcome]:
    assert APPEND_ROW.run_batch is not None
    return list(await APPEND_ROW.run_batch(client, jobs))


async def find(client: SheetsClient, job: Job) -> Sent | None:
    assert APPEND_ROW.find is not None
    return await APPEND_ROW.find(client, job)


async def test_check_names_the_spreadsheet(client: SheetsClient) -> None:
    assert (
        await client.check() == "Google Sheets answers for the spreadsheet 'Sandbox spreadsheet'."
    )


async def test_check_with_an_unknown_account_is_an_auth_error(url: str) -> None:
    key_file = json.loads(SANDBOX_ACCOUNT["service_account"])
    key_file["client_email"] = "nobody@sandbox-sheets.example"
    client = SheetsClient(account(url, service_account=json.dumps(key_file)))
    with pytest.raises(AuthError, match="invalid_grant"):
        await client.check()
    await client.aclose()


async def test_check_with_a_damaged_key_is_an_auth_error(url: str) -> None:
    key_file = json.loads(SANDBOX_ACCOUNT["service_account"]) | {"private_key": CANARY}
    client = SheetsClient(account(url, service_account=json.dumps(key_file)))
    with pytest.raises(AuthError, match="private key") as caught:
        await client.check()
    assert CANARY not in f"{caught.value!r} {caught.value.__cause__}"
    await client.aclose()


async def test_a_token_that_ran_out_is_renewed_by_itself(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    await client.check()
    sandbox.tokens.clear()
    await APPEND_ROW.run(client, row("a"))
    assert sandbox.calls["POST /sheets/token"] == 2
    assert len(sandbox.records) == 1


async def test_the_first_row_makes_the_worksheet_with_headings(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    sent = await APPEND_ROW.run(client, row("Ada", 120))
    assert sent.vendor_id == "Loyalty!A2"
    assert sandbox.worksheets["Loyalty"]["cells"] == [
        ["Value 1", "Value 2", "hub key"],
        ["Ada", 120, "key:0"],
    ]
    assert list(sandbox.records) == [
        {"kind": "row", "worksheet": "Loyalty", "values": ["Ada", 120], "key": "key:0"}
    ]


async def test_headings_come_from_the_connection(url: str, sandbox: SheetsSandbox) -> None:
    client = SheetsClient(account(url, columns=("Member", "Points"), worksheet="It's new"))
    await APPEND_ROW.run(client, row("Ada"))
    assert sandbox.worksheets["It's new"]["cells"] == [
        ["Member", "Points", "hub key"],
        ["Ada", "", "key:0"],
    ]
    await client.aclose()


async def test_a_sheet_of_people_gets_the_key_column_behind_their_own(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    sheet = sandbox.add_worksheet("Loyalty", columns=2)
    sheet["cells"] = [["Member", "Points"], ["Grace", 7]]
    sent = await APPEND_ROW.run(client, row("Ada", 120))
    assert sent.vendor_id == "Loyalty!A3"
    assert sheet["cells"][0] == ["Member", "Points", "hub key"]
    assert sheet["cells"][2] == ["Ada", 120, "key:0"]


async def test_a_missing_worksheet_is_not_made_where_that_is_off(
    url: str, sandbox: SheetsSandbox
) -> None:
    client = SheetsClient(account(url, create_worksheet=False))
    with pytest.raises(NotFound, match="has no worksheet 'Loyalty'"):
        await APPEND_ROW.run(client, row("a"))
    assert "Loyalty" not in sandbox.worksheets
    await client.aclose()


async def test_five_hundred_rows_cost_one_write(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    await APPEND_ROW.run(client, row("first"))
    sandbox.calls.clear()
    jobs = [row(number, key=f"key:{number}") for number in range(500)]
    outcomes = await run_batch(client, jobs)
    assert [one.vendor_id for one in outcomes if isinstance(one, Sent)] == [
        f"Loyalty!A{number + 3}" for number in range(500)
    ]
    assert dict(sandbox.calls) == {APPEND: 1}
    assert len(sandbox.records) == 501


async def test_a_batch_goes_to_each_of_its_worksheets_once(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    jobs = [row(n, key=str(n), worksheet="Even" if n % 2 == 0 else "Odd") for n in range(6)]
    outcomes = await run_batch(client, jobs)
    assert [one.vendor_id for one in outcomes if isinstance(one, Sent)] == [
        "Even!A2",
        "Odd!A2",
        "Even!A3",
        "Odd!A3",
        "Even!A4",
        "Odd!A4",
    ]


async def test_a_row_that_does_not_fit_is_refused_alone(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    await APPEND_ROW.run(client, row("a", "b"))
    long = row("x" * 50_000, key="long")
    outcomes = await run_batch(client, [row("a", "b", "c", key="wide"), row("d", key="good"), long])
    assert [type(one) for one in outcomes] == [InvalidRequest, Sent, InvalidRequest]
    assert "the row has 3 values, but the worksheet has 2 columns" in str(outcomes[0])
    assert len(sandbox.records) == 2


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param(Decimal("19.90"), b"19.90", id="decimal, digit by digit"),
        pytest.param(Decimal("-3"), b"-3", id="negative"),
        pytest.param(Decimal("1E+3"), b"1000", id="exponent"),
        pytest.param(1234567, b"1234567", id="whole"),
        pytest.param(True, b"true", id="truth"),
        pytest.param(None, b"null", id="nothing"),
        pytest.param(Decimal("0.1234567890123456"), b'"0.1234567890123456"', id="too many digits"),
        pytest.param(12345678901234567890, b'"12345678901234567890"', id="too long"),
    ],
)
def test_numbers_stay_exact(value: Scalar, written: bytes) -> None:
    assert orjson.dumps(cell(value)) == written


async def test_numbers_go_over_the_wire_digit_by_digit(serve: Serve) -> None:
    sandbox = SheetsSandbox()
    traffic = record_traffic(sandbox)
    client = SheetsClient(account(await serve(sandbox)))
    await APPEND_ROW.run(client, row(Decimal("19.90"), True, None, 7))
    [sent] = [one.request for one in traffic if one.path.endswith(":append")]
    assert sent == b'{"majorDimension":"ROWS","values":[[19.90,true,null,7,"key:0"]]}'
    await client.aclose()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('=HYPERLINK("http://evil.example","x")', '\'=HYPERLINK("http://evil.example","x")'),
        ("+SUM(1)", "'+SUM(1)"),
        ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        (" =1", "' =1"),
        ("＝1", "'＝1"),
        ("+43 660 1234567", "+43 660 1234567"),
        ("-5.00", "-5.00"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_text_that_a_spreadsheet_would_run_is_made_plain(text: str, kept: str) -> None:
    assert safe_text(text) == kept


async def test_nothing_is_ever_evaluated(serve: Serve) -> None:
    sandbox = SheetsSandbox()
    traffic = record_traffic(sandbox)
    client = SheetsClient(account(await serve(sandbox)))
    await APPEND_ROW.run(client, row("=1+1", key="=2+2"))
    writes = [one for one in traffic if "/values/" in one.path and one.method != "GET"]
    assert len(writes) == 2
    assert all("valueInputOption=RAW" in one.query for one in writes)
    assert sandbox.records[0]["values"] == ["'=1+1"]
    assert await find(client, row("=1+1", key="=2+2")) == Sent(vendor_id="Loyalty!A2")
    await client.aclose()


def test_an_append_is_searched_for_before_it_is_repeated() -> None:
    assert APPEND_ROW.idempotency is Idempotency.SEARCH_FIRST
    assert not APPEND_ROW.idempotency.may_resend


async def test_after_a_lost_answer_each_row_of_a_batch_is_found(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    await APPEND_ROW.run(client, row("first", key="first"))
    jobs = [row(number, key=f"key:{number}") for number in range(100)]
    fault = Fault(status=0, when="after", hang_seconds=3, path=":append")
    sandbox.faults.append(fault)
    outcomes = await run_batch(client, jobs)
    assert {type(one) for one in outcomes} == {OutcomeUnknown}
    sandbox.calls.clear()
    found = [await find(client, job) for job in jobs]
    assert [one.vendor_id for one in found if one] == [f"Loyalty!A{n + 3}" for n in range(100)]
    assert sum(sandbox.calls.values()) == 3
    assert await find(client, row("x", key="another")) is None


async def test_a_row_that_never_arrived_is_not_found_and_makes_no_worksheet(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    assert await find(client, row("a")) is None
    assert list(sandbox.worksheets) == ["Sheet1"]


async def test_the_search_looks_at_the_last_ten_thousand_rows(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    sheet = sandbox.add_worksheet("Loyalty", rows=12_001)
    sheet["cells"] = [["Value", "hub key"], *([n, f"key:{n}"] for n in range(12_000))]
    assert await find(client, row("x", key="key:11999")) == Sent(vendor_id="Loyalty!A12001")
    assert await find(client, row("x", key="key:2000")) == Sent(vendor_id="Loyalty!A2002")
    assert await find(client, row("x", key="key:1999")) is None


@pytest.mark.parametrize(("status", "kind"), REFUSALS)
async def test_each_refusal_says_what_happens_next(
    client: SheetsClient, sandbox: SheetsSandbox, status: int, kind: type[ConnectorError]
) -> None:
    await APPEND_ROW.run(client, row("first"))
    sandbox.faults.append(refusal(status, path=":append"))
    sandbox.calls.clear()
    with pytest.raises(ConnectorError) as caught:
        await APPEND_ROW.run(client, row("a"))
    assert exactly(caught.value, kind)
    # A refused token is renewed once; nothing else is repeated.
    assert sandbox.calls[APPEND] == (2 if status == 401 else 1)


@pytest.mark.parametrize(("header", "wait"), PAUSES)
async def test_a_429_tells_how_long_to_wait(
    client: SheetsClient, sandbox: SheetsSandbox, header: str | None, wait: timedelta | None
) -> None:
    sandbox.faults.append(pause(header, path="/v4/"))
    with pytest.raises(RateLimited) as caught:
        await APPEND_ROW.run(client, row("a"))
    assert is_close(caught.value.retry_after, wait)


async def test_the_write_limit_asks_for_a_pause(serve: Serve) -> None:
    sandbox = SheetsSandbox(writes_per_minute=3)
    client = SheetsClient(account(await serve(sandbox)))
    await APPEND_ROW.run(client, row("a"))
    with pytest.raises(RateLimited) as caught:
        await APPEND_ROW.run(client, row("b"))
    assert caught.value.vendor_code == "RESOURCE_EXHAUSTED"
    await client.aclose()


async def test_a_spreadsheet_that_is_not_shared_says_with_whom_to_share_it(
    client: SheetsClient, sandbox: SheetsSandbox
) -> None:
    sandbox.faults.append(refusal(403, path="/v4/"))
    with pytest.raises(ScopeError, match="…@sandbox-sheets.example|" + re.escape(CLIENT_EMAIL)):
        await client.check()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(503, Transient), (500, Transient), (429, RateLimited), (400, InvalidRequest)],
)
async def test_trouble_with_the_token_did_nothing(
    client: SheetsClient, sandbox: SheetsSandbox, status: int, kind: type[ConnectorError]
) -> None:
    sandbox.faults.append(refusal(status, path="/token"))
    with pytest.raises(ConnectorError) as caught:
        await APPEND_ROW.run(client, row("a"))
    assert exactly(caught.value, kind)
    assert dict(sandbox.calls) == {"POST /sheets/token": 1}


@pytest.mark.parametrize("path", ["/token", ":append", "/v4/"])
@pytest.mark.parametrize("body", ["<html>hello</html>", "[]", '{"sheets": [{}], "updates": 3}'])
async def test_a_page_with_status_200_is_a_connector_bug(
    client: SheetsClient, sandbox: SheetsSandbox, path: str, body: str
) -> None:
    sandbox.faults.append(Fault(status=200, body=body, path=path))
    with pytest.raises(ConnectorBug):
        await APPEND_ROW.run(client, row("a"))


async def test_a_refused_connection_did_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = SheetsClient(account(f"http://127.0.0.1:{port}"))
    with pytest.raises(Transient):
        await APPEND_ROW.run(client, row("a"))
    await client.aclose()


async def test_the_key_file_never_shows(sandbox: SheetsSandbox, url: str) -> None:
    secret = json.loads(SANDBOX_ACCOUNT["service_account"])
    known = account(url)
    client = SheetsClient(known)
    sandbox.faults.append(refusal(422, path="/v4/"))
    with pytest.raises(InvalidRequest) as caught:
        await client.check()
    parts = [known, client, client.__dict__, client._transport.__dict__, caught.value]
    shown = " ".join(f"{one!r} {one}" for one in parts)
    assert secret["private_key"][40:80] not in shown
    assert "sandbox-sheets-token" not in shown
    await client.aclose()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        pytest.param({"service_account": "pat-1"}, "whole JSON key file", id="not JSON"),
        pytest.param({"service_account": "{}"}, "service account", id="another kind of key"),
        pytest.param(
            {"service_account": '{"type": "service_account", "private_key": "canary"}'},
            "lacks client_email, token_uri",
            id="half a key file",
        ),
        pytest.param({"spreadsheet_id": "../other"}, "pattern", id="a path as spreadsheet"),
        pytest.param({"worksheet": "a!b\n"}, "pattern", id="a worksheet with a newline"),
        pytest.param({"base_url": "sheets.googleapis.com"}, "http", id="no scheme"),
    ],
)
def test_an_account_that_cannot_work_is_refused(fields: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        SheetsAccount.model_validate({**SANDBOX_ACCOUNT, **fields})
    assert "canary" not in str(caught.value)


def test_tokens_come_from_google_unless_the_address_is_another() -> None:
    google = SheetsAccount(**SANDBOX_ACCOUNT)
    assert google.key_file()["token_uri"] == "https://oauth2.googleapis.com/token"
    assert account("http://127.0.0.1:1/sheets").key_file()["token_uri"] == (
        "http://127.0.0.1:1/sheets/token"
    )


def test_the_declared_limit_stays_below_sixty_writes_a_minute() -> None:
    assert MANIFEST.limit.burst + 60 * MANIFEST.limit.per_second <= 60 * 0.9


def test_columns_are_named_as_google_names_them() -> None:
    assert [column_name(n) for n in (1, 26, 27, 52, 703)] == ["A", "Z", "AA", "AZ", "AAA"]


async def test_traffic_fits_the_published_contract(serve: Serve) -> None:
    spec = contract("specs/googlesheets/discovery.json")
    sandbox = SheetsSandbox()
    sandbox.add_worksheet("Narrow", columns=1)["cells"] = [["Member"]]
    traffic = record_traffic(sandbox)
    client = SheetsClient(account(await serve(sandbox)))
    await client.check()
    await run_batch(client, [row("a", 1, None, True), row("b", worksheet="Narrow")])
    await find(client, row("a"))
    await client.aclose()
    calls = [one for one in traffic if one.path != "/token"]
    assert {one.method for one in calls} == {"GET", "PUT", "POST"}
    assert [complaints(spec, one) for one in calls] == [[]] * len(calls)
