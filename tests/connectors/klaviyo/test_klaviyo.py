"""Klaviyo through its own SDK, against the sandbox over HTTP."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import pytest_asyncio
from pydantic import ValidationError

from connectors.kit.action import Job, Outcome, Sent
from connectors.kit.capabilities import TrackedEvent
from connectors.kit.errors import (
    AuthError,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    OutcomeUnknown,
    RateLimited,
    Transient,
)
from connectors.kit.sandbox import Fault
from connectors.klaviyo.account import KlaviyoAccount
from connectors.klaviyo.actions import (
    SINGLE_IMPORTS,
    TRACK_EVENT,
    UPSERT_PROFILE,
    ProfileInput,
    ProfileSent,
)
from connectors.klaviyo.client import KlaviyoClient
from connectors.klaviyo.manifest import MANIFEST
from connectors.klaviyo.sandbox import SANDBOX_ACCOUNT, KlaviyoSandbox
from tests.connectors.conftest import Serve, served
from tests.connectors.contract import contract, openapi_complaints, record_traffic
from tests.connectors.error_table import PAUSES, REFUSALS, exactly, is_close, pause, refusal

CANARY = "pk_canary-klaviyo-secret"
AT = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
BULK = "POST /klaviyo/api/event-bulk-create-jobs"
SINGLE = "POST /klaviyo/api/events"


@pytest_asyncio.fixture(scope="module")
async def served_sandbox() -> AsyncIterator[tuple[KlaviyoSandbox, str]]:
    """One server for all tests here: starting and stopping costs more than most of them."""
    sandbox = KlaviyoSandbox()
    async with served(sandbox) as url:
        yield sandbox, url


@pytest.fixture
def sandbox(served_sandbox: tuple[KlaviyoSandbox, str]) -> KlaviyoSandbox:
    sandbox, _ = served_sandbox
    KlaviyoSandbox.__init__(sandbox)
    return sandbox


@pytest.fixture
def url(sandbox: KlaviyoSandbox, served_sandbox: tuple[KlaviyoSandbox, str]) -> str:
    return served_sandbox[1]


@pytest_asyncio.fixture
async def client(url: str) -> AsyncIterator[KlaviyoClient]:
    made = KlaviyoClient(account_at(url), read_seconds=1.0)
    yield made
    await made.aclose()


def account_at(url: str) -> KlaviyoAccount:
    return KlaviyoAccount.model_validate({**SANDBOX_ACCOUNT, "base_url": url})


def event(number: int = 0, **fields: object) -> Job:
    given = {"name": "Points awarded", "time": AT, "email": f"p{number}@customer.example"}
    return Job(f"key:{number}", TrackedEvent.model_validate({**given, **fields}))


async def run_batch(client: KlaviyoClient, jobs: list[Job]) -> list[Outcome]:
    assert TRACK_EVENT.run_batch is not None
    return list(await TRACK_EVENT.run_batch(client, jobs))


async def test_check_names_the_account(client: KlaviyoClient) -> None:
    assert await client.check() == "Klaviyo answers for the account 'Sandbox shop'."


async def test_check_with_a_wrong_key_is_an_auth_error(url: str) -> None:
    client = KlaviyoClient(KlaviyoAccount(api_key="pk_wrong", base_url=url))
    with pytest.raises(AuthError, match="Incorrect authentication"):
        await client.check()
    await client.aclose()


async def test_an_event_arrives_with_its_key_and_exact_numbers(
    client: KlaviyoClient, sandbox: KlaviyoSandbox
) -> None:
    exact = {
        "points": Decimal("120"),
        "ratio": Decimal("1.5"),
        "precise": Decimal("0.12345678901234567891"),
        "vip": True,
        "visits": 3,
        "none": None,
    }
    sent = await TRACK_EVENT.run(client, event(value=Decimal("19.99"), properties=exact))
    assert sent.vendor_id == "key:0"
    [record] = sandbox.records
    assert record["unique_id"] == "key:0"
    assert record["email"] == "p0@customer.example"
    assert json.dumps(record["value"]) == "19.99"
    assert record["properties"] == {
        "points": 120,
        "ratio": 1.5,
        "precise": "0.12345678901234567891",
        "vip": True,
        "visits": 3,
    }


@pytest.mark.parametrize("how", ["single", "bulk", "bulk after single"])
async def test_the_same_key_twice_is_one_event(
    client: KlaviyoClient, sandbox: KlaviyoSandbox, how: str
) -> None:
    jobs = [event(number) for number in range(3)]
    if how != "bulk":
        for job in (*jobs, *jobs):
            await TRACK_EVENT.run(client, job)
    if how != "single":
        outcomes = [*await run_batch(client, jobs), *await run_batch(client, jobs)]
        assert all(isinstance(one, Sent) for one in outcomes)
    assert len(sandbox.records) == 3


async def test_a_thousand_events_cost_one_call(
    client: KlaviyoClient, sandbox: KlaviyoSandbox
) -> None:
    outcomes = await run_batch(client, [event(number) for number in range(1000)])
    assert all(isinstance(one, Sent) for one in outcomes)
    assert dict(sandbox.calls) == {BULK: 1}
    assert len(sandbox.records) == 1000


async def test_a_bulk_job_stays_below_five_megabytes(
    client: KlaviyoClient, sandbox: KlaviyoSandbox
) -> None:
    # Written as JSON escapes, one of these letters is six bytes.
    long = {"note": "ä" * 15_000}
    outcomes = await run_batch(client, [event(number, properties=long) for number in range(100)])
    assert all(isinstance(one, Sent) for one in outcomes)
    assert dict(sandbox.calls) == {BULK: 3}


async def test_events_the_refusal_points_at_are_sent_alone_and_the_rest_in_bulk(
    client: KlaviyoClient, sandbox: KlaviyoSandbox
) -> None:
    jobs = [event(number) for number in range(50)]
    jobs[7] = event(7, email="", phone="0660 123")
    outcomes = await run_batch(client, jobs)
    refused = outcomes.pop(7)
    assert isinstance(refused, InvalidRequest)
    assert "Invalid phone number" in str(refused)
    assert all(isinstance(one, Sent) for one in outcomes)
    assert dict(sandbox.calls) == {BULK: 2, SINGLE: 1}


async def test_a_refusal_without_a_pointer_is_settled_one_by_one(serve: Serve) -> None:
    sandbox = KlaviyoSandbox(points=False)
    client = KlaviyoClient(account_at(await serve(sandbox)))
    jobs = [event(0), event(1, email="no address"), event(2)]
    outcomes = await run_batch(client, jobs)
    assert [type(one) for one in outcomes] == [Sent, InvalidRequest, Sent]
    assert dict(sandbox.calls) == {BULK: 1, SINGLE: 3}
    await client.aclose()


async def test_an_event_of_nobody_is_refused_without_a_call(
    client: KlaviyoClient, sandbox: KlaviyoSandbox
) -> None:
    outcomes = await run_batch(client, [event(0), event(1, email="")])
    assert [type(one) for one in outcomes] == [Sent, InvalidRequest]
    with pytest.raises(InvalidRequest, match="more digits"):
        await TRACK_EVENT.run(client, event(value=Decimal("0.12345678901234567891")))
    assert len(sandbox.records) == 1


async def test_a_profile_is_made_once_and_then_updated(
    client: KlaviyoClient, sandbox: KlaviyoSandbox
) -> None:
    first = ProfileInput(email="ada@customer.example", first_name="Ada", properties={"points": 1})
    again = ProfileInput(email="ada@customer.example", properties={"points": Decimal(2)})
    made = await UPSERT_PROFILE.run(client, Job("a", first))
    kept = await UPSERT_PROFILE.run(client, Job("b", again))
    assert isinstance(made, ProfileSent)
    assert isinstance(kept, ProfileSent)
    assert (made.created, kept.created) == (True, False)
    assert made.vendor_id == kept.vendor_id
    [record] = sandbox.records
    assert (record["first_name"], record["properties"]) == ("Ada", {"points": 2})


async def test_a_batch_of_profiles_answers_for_each(
    client: KlaviyoClient, sandbox: KlaviyoSandbox
) -> None:
    assert UPSERT_PROFILE.run_batch is not None
    people = [ProfileInput(email="a@customer.example"), ProfileInput(), ProfileInput(phone="1")]
    jobs = [Job(str(number), one) for number, one in enumerate(people)]
    outcomes = await UPSERT_PROFILE.run_batch(client, jobs)
    assert [isinstance(one, Sent) for one in outcomes] == [True, False, False]
    assert all(isinstance(one, InvalidRequest) for one in outcomes[1:])


@pytest.mark.parametrize(("status", "kind"), REFUSALS)
async def test_each_refusal_says_what_happens_next(
    client: KlaviyoClient, sandbox: KlaviyoSandbox, status: int, kind: type[ConnectorError]
) -> None:
    sandbox.faults.append(refusal(status))
    with pytest.raises(ConnectorError) as caught:
        await TRACK_EVENT.run(client, event())
    assert exactly(caught.value, kind)
    assert sum(sandbox.calls.values()) == 1


@pytest.mark.parametrize(("header", "wait"), PAUSES)
async def test_a_429_tells_how_long_to_wait(
    client: KlaviyoClient, sandbox: KlaviyoSandbox, header: str | None, wait: timedelta | None
) -> None:
    sandbox.faults.append(pause(header))
    [outcome, other] = await run_batch(client, [event(0), event(1)])
    assert isinstance(outcome, RateLimited)
    assert is_close(outcome.retry_after, wait)
    assert other is outcome
    assert sum(sandbox.calls.values()) == 1


async def test_the_bulk_limit_is_met_with_a_wait_not_with_a_retry(serve: Serve) -> None:
    sandbox = KlaviyoSandbox(bulk_per_second=1)
    client = KlaviyoClient(account_at(await serve(sandbox)))
    await run_batch(client, [event(0), event(1)])
    [outcome, _] = await run_batch(client, [event(2), event(3)])
    assert isinstance(outcome, RateLimited)
    assert outcome.retry_after == timedelta(seconds=1)
    await client.aclose()


@pytest.mark.parametrize("call", ["event", "profile", "check"])
async def test_a_page_with_status_200_is_a_connector_bug(
    client: KlaviyoClient, sandbox: KlaviyoSandbox, call: str
) -> None:
    sandbox.faults.append(Fault(status=200, body="<html>hello</html>"))
    calls = {
        "event": lambda: TRACK_EVENT.run(client, event()),
        "profile": lambda: UPSERT_PROFILE.run(client, Job("a", ProfileInput(external_id="c"))),
        "check": client.check,
    }
    with pytest.raises(ConnectorBug):
        await calls[call]()


async def test_no_answer_in_time_leaves_a_batch_unknown_and_a_resend_doubles_nothing(
    client: KlaviyoClient, sandbox: KlaviyoSandbox
) -> None:
    jobs = [event(number) for number in range(3)]
    sandbox.faults.append(Fault(status=0, when="after", hang_seconds=3))
    assert all(isinstance(one, OutcomeUnknown) for one in await run_batch(client, jobs))
    assert all(isinstance(one, Sent) for one in await run_batch(client, jobs))
    assert len(sandbox.records) == 3


async def test_a_lost_answer_to_a_read_is_only_transient(
    client: KlaviyoClient, sandbox: KlaviyoSandbox
) -> None:
    sandbox.faults.append(Fault(status=0, hang_seconds=3))
    started = time.monotonic()
    with pytest.raises(Transient):
        await client.check()
    assert time.monotonic() - started < 2.5
    assert sum(sandbox.calls.values()) == 1


async def test_a_refused_connection_did_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    account = account_at(f"http://127.0.0.1:{port}")
    client = KlaviyoClient(account)
    with pytest.raises(Transient):
        await TRACK_EVENT.run(client, event())
    await client.aclose()


async def test_the_key_never_shows(sandbox: KlaviyoSandbox, url: str) -> None:
    account = KlaviyoAccount(api_key=CANARY, base_url=url)
    client = KlaviyoClient(account)
    body = json.dumps({"errors": [{"code": "invalid", "detail": f"key {CANARY} is odd"}]})
    sandbox.faults.append(Fault(status=422, body=body))
    with pytest.raises(InvalidRequest) as caught:
        await client.check()
    shown = f"{account!r} {account} {client!r} {client.__dict__} {caught.value!r} {caught.value}"
    assert CANARY not in shown
    assert CANARY not in str(caught.value.__context__) + str(caught.value.__cause__)
    await client.aclose()


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"api_key": ""}, id="blank key"),
        pytest.param({"api_key": "pk_1\r\nX-Other: 1"}, id="key with a newline"),
        pytest.param({"base_url": "file:///etc"}, id="not http"),
    ],
)
def test_an_account_that_cannot_work_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        KlaviyoAccount.model_validate({"api_key": "pk_1", **fields})


def test_the_declared_limit_stays_below_the_lowest_of_the_endpoints() -> None:
    limit = MANIFEST.limit
    assert limit.burst + limit.per_second <= 10 * 0.95
    assert limit.burst + 60 * limit.per_second <= 150 * 0.95
    imports = SINGLE_IMPORTS
    assert (limit.burst + limit.per_second) * imports < 75
    assert (limit.burst + 60 * limit.per_second) * imports < 750


async def test_traffic_fits_the_published_contract(serve: Serve) -> None:
    spec = contract("specs/klaviyo/openapi.json")
    sandbox = KlaviyoSandbox()
    traffic = record_traffic(sandbox)
    client = KlaviyoClient(account_at(await serve(sandbox)))
    await client.check()
    await TRACK_EVENT.run(client, event(value=Decimal("1.5"), properties={"a": "b"}))
    await run_batch(client, [event(1), event(2, email="broken"), event(3)])
    for _ in range(2):
        await UPSERT_PROFILE.run(client, Job("a", ProfileInput(email="a@customer.example")))
    await client.aclose()
    assert {one.headers["revision"] for one in traffic} == {"2026-07-15"}
    assert {one.headers.get("content-type") for one in traffic if one.method == "POST"} == {
        "application/vnd.api+json"
    }
    assert [openapi_complaints(spec, one) for one in traffic] == [[]] * len(traffic)
