"""HubSpot over HTTP, against the sandbox."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import ValidationError

from connectors.hubspot.account import HubSpotAccount
from connectors.hubspot.actions import UPSERT_CONTACT, HubSpotContact
from connectors.hubspot.client import HubSpotClient
from connectors.hubspot.manifest import MANIFEST
from connectors.hubspot.sandbox import SANDBOX_ACCOUNT, HubSpotSandbox
from connectors.kit.action import Job, Outcome, Sent
from connectors.kit.capabilities import CrmContact
from connectors.kit.errors import (
    AuthError,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Transient,
)
from connectors.kit.sandbox import Fault
from tests.connectors.conftest import Serve, served
from tests.connectors.contract import complaints_about, contract, record_traffic
from tests.connectors.error_table import PAUSES, REFUSALS, exactly, is_close, pause, refusal

CANARY = "pat-canary-hubspot-secret"
UPSERT = "POST /hubspot/crm/v3/objects/contacts/batch/upsert"
QUICK = httpx.Timeout(1.0)


@pytest_asyncio.fixture(scope="module")
async def served_sandbox() -> AsyncIterator[tuple[HubSpotSandbox, str]]:
    """One server for all tests here: starting and stopping costs more than most of them."""
    sandbox = HubSpotSandbox()
    async with served(sandbox) as url:
        yield sandbox, url


@pytest.fixture
def sandbox(served_sandbox: tuple[HubSpotSandbox, str]) -> HubSpotSandbox:
    sandbox, _ = served_sandbox
    HubSpotSandbox.__init__(sandbox)
    return sandbox


@pytest.fixture
def url(sandbox: HubSpotSandbox, served_sandbox: tuple[HubSpotSandbox, str]) -> str:
    return served_sandbox[1]


@pytest_asyncio.fixture
async def client(url: str) -> AsyncIterator[HubSpotClient]:
    made = HubSpotClient(HubSpotAccount(**SANDBOX_ACCOUNT, base_url=url), timeout=QUICK)
    yield made
    await made.aclose()


def contact(number: int = 0, **fields: object) -> Job:
    given = {"email": f"p{number}@customer.example", **fields}
    return Job(f"key:{number}", CrmContact.model_validate(given))


async def run_batch(client: HubSpotClient, jobs: list[Job]) -> list[Outcome]:
    assert UPSERT_CONTACT.run_batch is not None
    return list(await UPSERT_CONTACT.run_batch(client, jobs))


async def test_check_reads(client: HubSpotClient) -> None:
    assert await client.check() == "HubSpot answers and lets the hub read contacts."


async def test_check_with_a_wrong_token_is_an_auth_error(url: str) -> None:
    client = HubSpotClient(HubSpotAccount(access_token="pat-wrong", base_url=url))
    with pytest.raises(AuthError, match="Authentication credentials not found") as caught:
        await client.check()
    assert caught.value.vendor_code == "INVALID_AUTHENTICATION"
    assert caught.value.request_id == "aeb5f871-0000-4000-8000-000000000000"
    await client.aclose()


async def test_properties_go_as_text_and_empty_names_erase_nothing(
    client: HubSpotClient, sandbox: HubSpotSandbox
) -> None:
    await UPSERT_CONTACT.run(client, contact(first_name="Ada", phone="+4366012345678"))
    values = {"points": Decimal("120.50"), "visits": 3, "vip": True, "note": None, "tier": "gold"}
    sent = await UPSERT_CONTACT.run(client, contact(properties=values))
    assert sent == HubSpotContact(vendor_id="8001", created=False)
    assert sandbox.contacts["p0@customer.example"]["properties"] == {
        "email": "p0@customer.example",
        "firstname": "Ada",
        "phone": "+4366012345678",
        "points": "120.50",
        "visits": "3",
        "vip": "true",
        "note": "",
        "tier": "gold",
    }


async def test_writing_twice_leaves_one_contact(
    client: HubSpotClient, sandbox: HubSpotSandbox
) -> None:
    for _ in range(2):
        await UPSERT_CONTACT.run(client, contact(properties={"points": 1}))
    assert [one["created"] for one in sandbox.records] == [True, False]
    assert len(sandbox.contacts) == 1


async def test_a_hundred_contacts_cost_one_call(
    client: HubSpotClient, sandbox: HubSpotSandbox
) -> None:
    outcomes = await run_batch(client, [contact(number) for number in range(100)])
    assert [one.vendor_id for one in outcomes if isinstance(one, Sent)] == [
        str(8001 + number) for number in range(100)
    ]
    assert dict(sandbox.calls) == {UPSERT: 1}


async def test_of_a_207_each_error_belongs_to_its_contact(
    client: HubSpotClient, sandbox: HubSpotSandbox
) -> None:
    jobs = [contact(0), contact(1, email="no address"), contact(2, properties={"No Such": 1})]
    outcomes = await run_batch(client, [*jobs, contact(3)])
    assert [type(one) for one in outcomes] == [
        HubSpotContact,
        InvalidRequest,
        InvalidRequest,
        HubSpotContact,
    ]
    assert "Email address no address is invalid" in str(outcomes[1])
    assert 'Property "No Such" does not exist' in str(outcomes[2])
    assert dict(sandbox.calls) == {UPSERT: 1}


async def test_a_batch_refused_as_a_whole_is_halved_until_the_culprit_is_alone(
    serve: Serve,
) -> None:
    sandbox = HubSpotSandbox(multi_status=False)
    client = HubSpotClient(HubSpotAccount(**SANDBOX_ACCOUNT, base_url=await serve(sandbox)))
    jobs = [contact(number) for number in range(100)]
    jobs[41] = contact(41, properties={"No Such": 1})
    outcomes = await run_batch(client, jobs)
    assert isinstance(outcomes.pop(41), InvalidRequest)
    assert all(isinstance(one, Sent) for one in outcomes)
    assert sandbox.calls[UPSERT] <= 15
    await client.aclose()


async def test_a_batch_of_only_wrong_contacts_does_not_flood_hubspot(serve: Serve) -> None:
    sandbox = HubSpotSandbox(multi_status=False)
    client = HubSpotClient(HubSpotAccount(**SANDBOX_ACCOUNT, base_url=await serve(sandbox)))
    jobs = [contact(number, properties={"No Such": 1}) for number in range(100)]
    outcomes = await run_batch(client, jobs)
    assert {type(one) for one in outcomes} == {InvalidRequest, Transient}
    assert sandbox.calls[UPSERT] == 32
    await client.aclose()


async def test_changes_of_one_address_become_one_contact_and_the_last_value_stays(
    client: HubSpotClient, sandbox: HubSpotSandbox
) -> None:
    jobs = [
        contact(0, email="Ada@customer.example", properties={"points": 1, "tier": "gold"}),
        contact(1),
        contact(2, email="ada@customer.example", properties={"points": 2}),
    ]
    outcomes = await run_batch(client, jobs)
    assert all(isinstance(one, Sent) for one in outcomes)
    assert outcomes[0] == outcomes[2] != outcomes[1]
    assert dict(sandbox.calls) == {UPSERT: 1}
    assert sandbox.records[0]["properties"] == {"points": "2", "tier": "gold"}


async def test_one_wrong_change_does_not_spoil_another_of_the_same_address(
    client: HubSpotClient, sandbox: HubSpotSandbox
) -> None:
    jobs = [contact(0, properties={"points": 1}), contact(0, properties={"No Such": 1})]
    good, bad = await run_batch(client, jobs)
    assert isinstance(good, Sent)
    assert isinstance(bad, InvalidRequest)
    assert sandbox.contacts["p0@customer.example"]["properties"]["points"] == "1"


@pytest.mark.parametrize(
    ("context", "kinds"),
    [
        pytest.param({"ids": ["P1@customer.example"]}, [Sent, InvalidRequest], id="by address"),
        pytest.param({"objectWriteTraceId": ["1"]}, [Sent, InvalidRequest], id="by trace id"),
        pytest.param({}, [Sent, OutcomeUnknown], id="unnamed"),
    ],
)
async def test_who_a_207_does_not_name_is_unknown(
    client: HubSpotClient,
    sandbox: HubSpotSandbox,
    context: dict[str, Any],
    kinds: list[type[object]],
) -> None:
    result = {"id": "1", "new": True, "properties": {"email": "p0@customer.example"}}
    error = {"category": "VALIDATION_ERROR", "message": "no", "context": context}
    body = {"status": "COMPLETE", "results": [result], "errors": [error]}
    sandbox.faults.append(Fault(status=207, body=json.dumps(body)))
    outcomes = await run_batch(client, [contact(0), contact(1)])
    assert [isinstance(one, kind) for one, kind in zip(outcomes, kinds, strict=True)] == [True] * 2


@pytest.mark.parametrize(("status", "kind"), REFUSALS)
async def test_each_refusal_says_what_happens_next(
    client: HubSpotClient, sandbox: HubSpotSandbox, status: int, kind: type[ConnectorError]
) -> None:
    sandbox.faults.append(refusal(status))
    with pytest.raises(ConnectorError) as caught:
        await UPSERT_CONTACT.run(client, contact())
    assert exactly(caught.value, kind)
    assert sum(sandbox.calls.values()) == 1


@pytest.mark.parametrize(("header", "wait"), PAUSES)
async def test_a_429_tells_how_long_to_wait(
    client: HubSpotClient, sandbox: HubSpotSandbox, header: str | None, wait: timedelta | None
) -> None:
    sandbox.faults.append(pause(header))
    with pytest.raises(RateLimited) as caught:
        await UPSERT_CONTACT.run(client, contact())
    assert is_close(caught.value.retry_after, wait)


async def test_the_ten_second_limit_waits_for_its_window(serve: Serve) -> None:
    sandbox = HubSpotSandbox(calls_per_10_seconds=1)
    client = HubSpotClient(HubSpotAccount(**SANDBOX_ACCOUNT, base_url=await serve(sandbox)))
    await UPSERT_CONTACT.run(client, contact())
    with pytest.raises(RateLimited) as caught:
        await UPSERT_CONTACT.run(client, contact())
    assert caught.value.retry_after == timedelta(seconds=10)
    await client.aclose()


async def test_the_daily_limit_is_a_quota(client: HubSpotClient, sandbox: HubSpotSandbox) -> None:
    body = {"status": "error", "message": "You have reached your daily limit."}
    body |= {"category": "RATE_LIMITS", "policyName": "DAILY"}
    sandbox.faults.append(Fault(status=429, body=json.dumps(body)))
    with pytest.raises(QuotaExceeded):
        await UPSERT_CONTACT.run(client, contact())


async def test_nothing_left_in_the_window_slows_the_next_call_down(serve: Serve) -> None:
    class Exhausted(HubSpotSandbox):
        async def _list(self, request: Any) -> Any:
            reply = await super()._list(request)
            reply.headers["X-HubSpot-RateLimit-Remaining"] = "0"
            return reply

    sandbox = Exhausted()
    client = HubSpotClient(HubSpotAccount(**SANDBOX_ACCOUNT, base_url=await serve(sandbox)))
    await client.check()
    started = time.monotonic()
    await UPSERT_CONTACT.run(client, contact())
    assert 0.9 < time.monotonic() - started < 2.0
    await client.aclose()


@pytest.mark.parametrize("body", ["<html>hello</html>", "[]", '{"results": 3}', '{"results": [3]}'])
async def test_a_reply_outside_the_schema_is_a_connector_bug(
    client: HubSpotClient, sandbox: HubSpotSandbox, body: str
) -> None:
    sandbox.faults.append(Fault(status=200, body=body))
    with pytest.raises(ConnectorBug):
        await UPSERT_CONTACT.run(client, contact())


async def test_no_answer_in_time_leaves_a_write_unknown_and_a_resend_changes_nothing(
    client: HubSpotClient, sandbox: HubSpotSandbox
) -> None:
    sandbox.faults.append(Fault(status=0, when="after"))
    with pytest.raises(OutcomeUnknown):
        await UPSERT_CONTACT.run(client, contact(properties={"points": 1}))
    await UPSERT_CONTACT.run(client, contact(properties={"points": 1}))
    assert len(sandbox.contacts) == 1


async def test_a_refused_connection_did_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = HubSpotClient(
        HubSpotAccount(**SANDBOX_ACCOUNT, base_url=f"http://127.0.0.1:{port}"), timeout=QUICK
    )
    with pytest.raises(Transient):
        await UPSERT_CONTACT.run(client, contact())
    await client.aclose()


async def test_the_token_never_shows(sandbox: HubSpotSandbox, url: str) -> None:
    account = HubSpotAccount(access_token=CANARY, base_url=url)
    client = HubSpotClient(account)
    sandbox.faults.append(Fault(status=422, body=f'{{"message": "token {CANARY} is odd"}}'))
    with pytest.raises(InvalidRequest) as caught:
        await client.check()
    shown = f"{account!r} {account} {client!r} {caught.value!r} {caught.value}"
    assert CANARY not in shown
    assert CANARY not in str(caught.value.__context__) + str(caught.value.__cause__)
    await client.aclose()


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"access_token": " "}, id="blank token"),
        pytest.param({"access_token": "pat-1\n"}, id="token with a newline"),
        pytest.param({"base_url": "api.hubapi.com"}, id="no scheme"),
    ],
)
def test_an_account_that_cannot_work_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        HubSpotAccount.model_validate({"access_token": "pat-1", **fields})


def test_the_declared_limit_stays_below_the_smallest_plan() -> None:
    limit = MANIFEST.limit
    assert limit.burst + 10 * limit.per_second <= 100 * 0.9


async def test_traffic_fits_the_published_contract(serve: Serve) -> None:
    spec = contract("contracts/hubspot.json")
    sandbox = HubSpotSandbox()
    traffic = record_traffic(sandbox)
    client = HubSpotClient(HubSpotAccount(**SANDBOX_ACCOUNT, base_url=await serve(sandbox)))
    await UPSERT_CONTACT.run(client, contact(first_name="Ada", properties={"points": 1}))
    await run_batch(client, [contact(0), contact(1)])
    await client.check()
    await client.aclose()
    assert len(traffic) == 3
    assert [complaints_about(spec, one) for one in traffic] == [[]] * len(traffic)
