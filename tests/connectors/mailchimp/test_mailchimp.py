"""Mailchimp through its own SDK, against the sandbox over HTTP."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest
import pytest_asyncio
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import AudienceMember
from connectors.kit.errors import (
    AuthError,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Transient,
)
from connectors.kit.sandbox import Fault
from connectors.mailchimp.account import MailchimpAccount
from connectors.mailchimp.actions import UPSERT_MEMBER
from connectors.mailchimp.client import MailchimpClient
from connectors.mailchimp.manifest import MANIFEST
from connectors.mailchimp.members import member_id
from connectors.mailchimp.sandbox import SANDBOX_ACCOUNT, MailchimpSandbox
from tests.connectors.conftest import Serve, served
from tests.connectors.contract import contract, openapi_complaints, record_traffic
from tests.connectors.error_table import PAUSES, REFUSALS, exactly, is_close, pause, refusal

CANARY = "canary0mailchimp0secret-us0"


@pytest_asyncio.fixture(scope="module")
async def served_sandbox() -> AsyncIterator[tuple[MailchimpSandbox, str]]:
    """One server for all tests here: starting and stopping costs more than most of them."""
    sandbox = MailchimpSandbox()
    async with served(sandbox) as url:
        yield sandbox, url


@pytest.fixture
def sandbox(served_sandbox: tuple[MailchimpSandbox, str]) -> MailchimpSandbox:
    sandbox = served_sandbox[0]
    MailchimpSandbox.__init__(sandbox)
    return sandbox


@pytest.fixture
def url(sandbox: MailchimpSandbox, served_sandbox: tuple[MailchimpSandbox, str]) -> str:
    return served_sandbox[1]


@pytest_asyncio.fixture
async def client(url: str) -> AsyncIterator[MailchimpClient]:
    account = MailchimpAccount(**SANDBOX_ACCOUNT, base_url=url)
    made = MailchimpClient(account, read_seconds=1.0)
    yield made
    await made.aclose()


def member(email: str = "Ada@customer.example", **fields: object) -> Job:
    return Job(f"key:{email}", AudienceMember.model_validate({"email": email, **fields}))


async def run_batch(client: MailchimpClient, jobs: list[Job]) -> list[Sent | ConnectorError]:
    assert UPSERT_MEMBER.run_batch is not None
    return list(await UPSERT_MEMBER.run_batch(client, jobs))


async def test_check_names_the_audience(client: MailchimpClient) -> None:
    assert await client.check() == "Mailchimp answers for the audience 'Sandbox audience'."


async def test_check_with_a_wrong_key_is_an_auth_error(url: str) -> None:
    account = MailchimpAccount(api_key="wrong-key-us0", audience_id="sandbox01", base_url=url)
    client = MailchimpClient(account)
    with pytest.raises(AuthError, match="API Key Invalid"):
        await client.check()
    await client.aclose()


async def test_check_with_a_wrong_audience_says_not_found(url: str) -> None:
    account = MailchimpAccount(**{**SANDBOX_ACCOUNT, "audience_id": "other"}, base_url=url)
    client = MailchimpClient(account)
    with pytest.raises(NotFound):
        await client.check()
    await client.aclose()


@pytest.mark.parametrize(("consents", "status"), [(True, "subscribed"), (False, "transactional")])
async def test_a_new_member_gets_fields_tags_and_the_status_of_their_consent(
    client: MailchimpClient, sandbox: MailchimpSandbox, consents: bool, status: str
) -> None:
    job = member(
        first_name="Ada",
        is_subscribed=consents,
        merge_fields={"POINTS": Decimal("1234567.10"), "VISITS": 3, "VIP": True, "NOTE": None},
        tags=("gold",),
    )
    sent = await UPSERT_MEMBER.run(client, job)
    assert sent.vendor_id == member_id("ada@customer.example")
    [record] = sandbox.records
    assert record["status"] == status
    assert record["tags"] == ["gold"]
    assert record["merge_fields"] == {
        "FNAME": "Ada",
        "POINTS": "1234567.10",
        "VISITS": 3,
        "VIP": "true",
        "NOTE": "",
    }


@pytest.mark.parametrize("batch", [False, True], ids=["single", "batch"])
async def test_somebody_who_left_is_never_subscribed_again(
    client: MailchimpClient, sandbox: MailchimpSandbox, batch: bool
) -> None:
    await UPSERT_MEMBER.run(client, member(is_subscribed=True))
    sandbox.leave("ada@customer.example")
    job = member(is_subscribed=True, merge_fields={"POINTS": 7})
    if batch:
        outcomes = await run_batch(client, [job, member("new@customer.example")])
        assert all(isinstance(one, Sent) for one in outcomes)
    else:
        await UPSERT_MEMBER.run(client, job)
    record = sandbox.records[0]
    assert record["status"] == "unsubscribed"
    assert record["merge_fields"] == {"POINTS": 7}


async def test_writing_the_same_member_twice_leaves_one(
    client: MailchimpClient, sandbox: MailchimpSandbox
) -> None:
    for _ in range(2):
        await UPSERT_MEMBER.run(client, member(tags=("gold",)))
        await run_batch(client, [member(tags=("gold",))])
    assert len(sandbox.records) == 1


async def test_five_hundred_new_members_cost_one_call(
    client: MailchimpClient, sandbox: MailchimpSandbox
) -> None:
    outcomes = await run_batch(client, [member(f"m{n}@customer.example") for n in range(500)])
    assert all(isinstance(one, Sent) for one in outcomes)
    assert dict(sandbox.calls) == {"POST /mailchimp/lists/sandbox01": 1}
    assert len(sandbox.records) == 500


async def test_in_a_batch_each_error_belongs_to_its_member(
    client: MailchimpClient, sandbox: MailchimpSandbox
) -> None:
    jobs = [member("a@customer.example"), member("no address"), member("b@customer.example")]
    good, bad, other = await run_batch(client, jobs)
    assert isinstance(good, Sent)
    assert isinstance(other, Sent)
    assert isinstance(bad, InvalidRequest)
    assert "email_address: Please provide a valid email address." in str(bad)


async def test_a_batch_refused_as_a_whole_is_written_one_by_one(
    client: MailchimpClient, sandbox: MailchimpSandbox
) -> None:
    sandbox.faults.append(Fault(status=400, body="{}"))
    outcomes = await run_batch(client, [member(f"m{n}@customer.example") for n in range(3)])
    assert all(isinstance(one, Sent) for one in outcomes)
    assert len(sandbox.records) == 3


async def test_of_one_address_twice_in_a_batch_the_last_values_stay(
    client: MailchimpClient, sandbox: MailchimpSandbox
) -> None:
    jobs = [
        member("ada@customer.example", merge_fields={"POINTS": 1}),
        member("ADA@customer.example", merge_fields={"POINTS": 2}),
    ]
    outcomes = await run_batch(client, jobs)
    assert [type(one).__name__ for one in outcomes] == ["MailchimpMember"] * 2
    assert [one["merge_fields"] for one in sandbox.records] == [{"POINTS": 2}]


async def test_a_batch_keeps_within_the_ten_connections(
    client: MailchimpClient, sandbox: MailchimpSandbox
) -> None:
    jobs = [member(f"m{n}@customer.example", tags=("gold",)) for n in range(60)]
    assert all(isinstance(one, Sent) for one in await run_batch(client, jobs))


@pytest.mark.parametrize(("status", "kind"), REFUSALS)
async def test_each_refusal_says_what_happens_next(
    client: MailchimpClient, sandbox: MailchimpSandbox, status: int, kind: type[ConnectorError]
) -> None:
    sandbox.faults.append(refusal(status))
    with pytest.raises(ConnectorError) as caught:
        await UPSERT_MEMBER.run(client, member())
    assert exactly(caught.value, kind)
    assert sum(sandbox.calls.values()) == 1


@pytest.mark.parametrize(("header", "wait"), PAUSES)
async def test_a_429_tells_how_long_to_wait(
    client: MailchimpClient, sandbox: MailchimpSandbox, header: str | None, wait: timedelta | None
) -> None:
    sandbox.faults.append(pause(header))
    with pytest.raises(RateLimited) as caught:
        await UPSERT_MEMBER.run(client, member())
    assert is_close(caught.value.retry_after, wait)


async def test_a_403_without_json_is_throttling(
    client: MailchimpClient, sandbox: MailchimpSandbox
) -> None:
    sandbox.faults.append(Fault(status=403, body="<html>Forbidden</html>"))
    with pytest.raises(RateLimited):
        await UPSERT_MEMBER.run(client, member())


async def test_a_page_with_status_200_is_a_connector_bug(
    client: MailchimpClient, sandbox: MailchimpSandbox
) -> None:
    sandbox.faults.append(Fault(status=200, body="<html>hello</html>"))
    with pytest.raises(ConnectorBug):
        await UPSERT_MEMBER.run(client, member())


async def test_a_batch_reply_outside_the_schema_is_a_connector_bug(serve: Serve) -> None:
    class Odd(MailchimpSandbox):
        async def _add(self, request: Request) -> Response:
            return JSONResponse({"new_members": [3]})

    client = MailchimpClient(MailchimpAccount(**SANDBOX_ACCOUNT, base_url=await serve(Odd())))
    with pytest.raises(ConnectorBug):
        await run_batch(client, [member()])
    await client.aclose()


async def test_no_answer_in_time_leaves_a_write_unknown_and_a_resend_changes_nothing(
    client: MailchimpClient, sandbox: MailchimpSandbox
) -> None:
    sandbox.faults.append(Fault(status=0, when="after", hang_seconds=3))
    with pytest.raises(OutcomeUnknown):
        await UPSERT_MEMBER.run(client, member())
    await UPSERT_MEMBER.run(client, member())
    assert len(sandbox.records) == 1


async def test_a_refused_connection_did_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    account = MailchimpAccount(**SANDBOX_ACCOUNT, base_url=f"http://127.0.0.1:{port}")
    client = MailchimpClient(account)
    with pytest.raises(Transient):
        await UPSERT_MEMBER.run(client, member())
    await client.aclose()


async def test_the_key_never_shows(sandbox: MailchimpSandbox, url: str) -> None:
    account = MailchimpAccount(api_key=CANARY, audience_id="sandbox01", base_url=url)
    client = MailchimpClient(account)
    sandbox.faults.append(Fault(status=422, body=f'{{"detail": "key {CANARY} is odd"}}'))
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
        pytest.param({"api_key": "key-us1\n"}, id="key with a newline"),
        pytest.param({"api_key": "key without a data centre"}, id="key with spaces"),
        pytest.param({"api_key": "key"}, id="no data centre"),
        pytest.param({"api_key": "key-evil.example/"}, id="a host in place of the data centre"),
        pytest.param({"audience_id": "a/../b"}, id="a path as audience"),
        pytest.param({"base_url": "ftp://x.example"}, id="not http"),
        pytest.param({"base_url": "https://user@x.example"}, id="user in the address"),
    ],
)
def test_an_account_that_cannot_work_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        MailchimpAccount.model_validate({"api_key": "k-us1", "audience_id": "a1", **fields})
    assert "evil" not in str(caught.value)


def test_the_host_is_the_key_s_data_centre() -> None:
    account = MailchimpAccount(api_key="k-us21", audience_id="a1")
    assert account.host == "https://us21.api.mailchimp.com/3.0"
    assert account.plain()["base_url"] == "https://server.api.mailchimp.com/3.0"


def test_the_manifest_stays_below_the_vendor_s_connections() -> None:
    assert MANIFEST.limit.concurrency < 10
    assert MANIFEST.action("upsert_member").batch_size == 500


async def test_traffic_fits_the_published_contract(serve: Serve) -> None:
    spec = contract("specs/mailchimp/openapi.json")
    sandbox = MailchimpSandbox()
    traffic = record_traffic(sandbox)
    client = MailchimpClient(MailchimpAccount(**SANDBOX_ACCOUNT, base_url=await serve(sandbox)))
    await client.check()
    await UPSERT_MEMBER.run(client, member(tags=("gold",), merge_fields={"POINTS": 3}))
    await run_batch(client, [member(), member("b@customer.example"), member("broken")])
    await client.aclose()
    assert {one.method for one in traffic} == {"GET", "PUT", "POST"}
    assert [openapi_complaints(spec, one) for one in traffic] == [[]] * len(traffic)
