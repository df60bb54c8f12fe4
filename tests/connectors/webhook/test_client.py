"""Calls out, over real sockets, to receivers that check with the reference library."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp.abc import ResolveResult
from pydantic import ValidationError

from connectors.kit import addresses
from connectors.kit.action import Idempotency, Job
from connectors.kit.addresses import PublicResolver, is_public
from connectors.kit.capabilities import WebhookCall
from connectors.kit.errors import (
    AuthError,
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    ScopeError,
    Transient,
)
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.webhook.account import WebhookAccount
from connectors.webhook.client import WebhookClient
from connectors.webhook.manifest import MANIFEST
from connectors.webhook.sandbox import SANDBOX_ACCOUNT, WebhookSandbox

Serve = Callable[[VendorSandbox], Awaitable[str]]
CALL = MANIFEST.action("call")
CANARY = "canary-webhook-2e6d"
KEY = "shopify/main:order.paid:1001:vip:webhook/main:call:1001"
WHEN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def job(key: str = KEY, **data: Any) -> Job:
    return Job(key, WebhookCall(type="points.awarded", timestamp=WHEN, data=data or {"points": 64}))


def client(url: str, *, timeout_seconds: float = 10.0, **fields: Any) -> WebhookClient:
    account = WebhookAccount(**{**SANDBOX_ACCOUNT, "url": url, **fields})
    return WebhookClient(account, timeout_seconds=timeout_seconds)


async def failure(one: WebhookClient, called: Job | None = None) -> ConnectorError:
    try:
        with pytest.raises(ConnectorError) as caught:
            await CALL.run(one, called or job())
        return caught.value
    finally:
        await one.aclose()


async def test_a_call_arrives_signed_and_whole(serve: Serve) -> None:
    sandbox = WebhookSandbox()
    one = client(await serve(sandbox) + "/orders")
    data = {"name": "Zoë 🎁", "total": Decimal("59.90"), "when": WHEN, "tags": [1, None, True]}
    sent = await CALL.run(one, job(**data))
    await one.aclose()
    assert sent.vendor_id == KEY
    assert sandbox.records[0] == {
        "kind": "webhook",
        "id": KEY,
        "name": "orders",
        "type": "points.awarded",
        "timestamp": "2026-11-21T12:00:00+00:00",
        "data": {
            "name": "Zoë 🎁",
            "total": "59.90",
            "when": "2026-11-21T12:00:00+00:00",
            "tags": [1, None, True],
        },
    }


async def test_the_same_job_counts_once_however_often_it_is_called(serve: Serve) -> None:
    sandbox = WebhookSandbox()
    one = client(await serve(sandbox) + "/orders")
    await asyncio.gather(*[CALL.run(one, job()) for _ in range(5)])
    await CALL.run(one, job(KEY + ":2"))
    await one.aclose()
    assert CALL.idempotency is Idempotency.NATIVE_KEY
    assert [record["id"] for record in sandbox.records] == [KEY, KEY + ":2"]


async def test_a_call_whose_answer_was_lost_may_be_made_again(serve: Serve) -> None:
    sandbox = WebhookSandbox()
    one = client(await serve(sandbox) + "/orders", timeout_seconds=0.2)
    sandbox.faults.append(Fault(status=0, when="after"))
    with pytest.raises(OutcomeUnknown):
        await CALL.run(one, job())
    await CALL.run(one, job())
    await one.aclose()
    assert len(sandbox.records) == 1


async def test_an_attempt_is_signed_with_its_own_time(serve: Serve) -> None:
    """A retry an hour later must not be refused as stale."""
    sandbox = WebhookSandbox()
    url = await serve(sandbox) + "/orders"
    account = WebhookAccount(**{**SANDBOX_ACCOUNT, "url": url})
    late = WebhookClient(account, clock=lambda: datetime.now(UTC).timestamp() - 3600)
    error = await failure(late)
    assert type(error) is AuthError
    assert not sandbox.records


STATUSES = [
    (301, InvalidRequest), (307, InvalidRequest), (400, InvalidRequest), (401, AuthError),
    (402, QuotaExceeded), (403, ScopeError), (404, NotFound), (409, Conflict),
    (410, InvalidRequest), (422, InvalidRequest), (429, RateLimited), (500, OutcomeUnknown),
    (502, Transient), (503, Transient),
]  # fmt: skip


@pytest.mark.parametrize(("status", "expected"), STATUSES)
async def test_a_status_becomes_the_error_that_says_what_happens_next(
    serve: Serve, status: int, expected: type[ConnectorError]
) -> None:
    sandbox = WebhookSandbox()
    sandbox.faults.append(Fault(status=status, body="<html>no</html>"))
    error = await failure(client(await serve(sandbox) + "/orders"))
    assert type(error) is expected
    assert error.status == status


@pytest.mark.parametrize(
    ("status", "says"), [(410, "asks to be called no more"), (302, "enter the new address")]
)
async def test_an_endpoint_that_left_says_what_to_do(serve: Serve, status: int, says: str) -> None:
    sandbox = WebhookSandbox()
    sandbox.faults.append(Fault(status=status))
    assert says in str(await failure(client(await serve(sandbox) + "/orders")))


@pytest.mark.parametrize("header", ["7", None, "date"])
async def test_the_pause_is_as_long_as_the_endpoint_says(serve: Serve, header: str | None) -> None:
    sandbox = WebhookSandbox()
    if header == "date":
        header = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    sandbox.faults.append(Fault(status=429, retry_after=header))
    error = await failure(client(await serve(sandbox) + "/orders"))
    assert isinstance(error, RateLimited)
    assert (error.retry_after is None) is (header is None)
    assert header != "7" or error.retry_after == timedelta(seconds=7)


async def test_a_refused_connection_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert type(await failure(client(f"http://127.0.0.1:{port}/x"))) is Transient


@pytest.mark.parametrize("value", [object(), 2**70, {1, 2}])
async def test_data_that_is_not_json_is_refused_before_the_call(serve: Serve, value: Any) -> None:
    sandbox = WebhookSandbox()
    error = await failure(client(await serve(sandbox) + "/orders"), job(value=value))
    assert type(error) is InvalidRequest
    assert "`data`" in str(error)
    assert not sandbox.calls


async def test_check_says_whether_the_endpoint_is_there(serve: Serve) -> None:
    sandbox = WebhookSandbox()
    base = await serve(sandbox)
    there, only_posts = client(base + "/orders"), client(base + "/orders")
    assert await there.check() == "The endpoint is there and answers."
    sandbox.faults.append(Fault(status=405))
    assert "answers 405 to HEAD" in await only_posts.check()
    assert "only receives" in await client("").check()
    for one in (there, only_posts):
        await one.aclose()
    assert not sandbox.records


async def test_check_refuses_a_wrong_secret_and_an_endpoint_that_left(serve: Serve) -> None:
    sandbox = WebhookSandbox()
    base = await serve(sandbox)
    other = "whsec_b3RoZXItd2ViaG9vay1zZWNyZXQta2V5ISE="
    wrong, gone = client(base + "/orders", secret=other), client(base + "/orders")
    with pytest.raises(AuthError):
        await wrong.check()
    sandbox.faults.append(Fault(status=410))
    with pytest.raises(InvalidRequest, match="no more"):
        await gone.check()
    for one in (wrong, gone):
        await one.aclose()


async def test_the_extra_header_is_sent(serve: Serve) -> None:
    seen: list[str] = []
    sandbox = WebhookSandbox()
    receive = sandbox._receive

    async def spy(request: Any) -> Any:
        seen.append(request.headers["authorization"])
        return await receive(request)

    sandbox._receive = spy  # type: ignore[method-assign]
    one = client(
        await serve(sandbox) + "/orders",
        header_name="Authorization",
        header_value=f"Bearer {CANARY}",
    )
    await CALL.run(one, job())
    await one.aclose()
    assert seen == [f"Bearer {CANARY}"]


async def test_no_secret_shows_in_any_text(serve: Serve) -> None:
    sandbox = WebhookSandbox()
    sandbox.faults.append(Fault(status=401, body=f"bad {CANARY}"))
    one = client(await serve(sandbox) + "/orders", header_name="X-Api-Key", header_value=CANARY)
    error = await failure(one)
    shown = f"{one!r} {vars(one)} {one._account!r} {error} {error!r} {vars(error)}"
    assert CANARY not in shown
    assert SANDBOX_ACCOUNT["secret"][10:] not in shown


# --- private networks ------------------------------------------------------------------------

PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0",
    "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "224.0.0.1", "239.1.1.1",
    "255.255.255.255", "198.18.0.1", "240.0.0.1", "::1", "::", "fe80::1", "fe80::1%eth0",
    "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
    "2002:7f00:1::", "2001:db8::1", "nonsense", "",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_off_the_open_internet_is_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:4700::6810:84e5",
                                     "64:ff9b::808:808", "::ffff:8.8.8.8"])  # fmt: skip
def test_an_address_of_the_open_internet_is_known(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1.", "[::1]", "[::ffff:127.0.0.1]", "localhost", "LOCALHOST",
     "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "169.254.169.254", "0.0.0.0"],
)  # fmt: skip
async def test_no_spelling_of_a_private_address_is_called(serve: Serve, host: str) -> None:
    sandbox = WebhookSandbox()
    port = (await serve(sandbox)).split(":")[2].split("/")[0]
    one = client(f"http://{host}:{port}/webhook/x", allow_private_network=False)
    error = await failure(one)
    # A name that this machine cannot look up is unknown, which is as good.
    assert type(error) in (InvalidRequest, Transient)
    if host in ("127.0.0.1", "[::1]", "localhost", "169.254.169.254"):
        assert "private network" in str(error)
    assert not sandbox.calls


class _Names:
    """A name server in place of the system's, which changes its mind."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(self, host: str, port: int, family: int) -> list[ResolveResult]:
        hosts = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(hostname=host, host=one, port=port, family=2, proto=0, flags=0)
            for one in hosts
        ]


@pytest.mark.parametrize("hosts", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::1"]])
async def test_a_public_name_that_leads_inside_is_refused(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, hosts: list[str]
) -> None:
    monkeypatch.setattr(addresses, "ThreadedResolver", lambda: _Names(hosts))
    sandbox = WebhookSandbox()
    port = (await serve(sandbox)).split(":")[2].split("/")[0]
    one = client(f"http://shop.example:{port}/webhook/x", allow_private_network=False)
    error = await failure(one)
    assert type(error) is InvalidRequest
    assert "shop.example" in str(error)
    assert not sandbox.calls


async def test_the_address_that_was_checked_is_the_one_that_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name server that answers differently the second time gains nothing (DNS rebinding)."""
    names = _Names(["203.0.113.9"], ["127.0.0.1"])
    monkeypatch.setattr(addresses, "ThreadedResolver", lambda: names)
    monkeypatch.setattr(addresses, "is_public", lambda host: host == "203.0.113.9")
    found = await PublicResolver().resolve("shop.example", 80)
    assert [one["host"] for one in found] == ["203.0.113.9"]
    with pytest.raises(InvalidRequest):
        await PublicResolver().resolve("shop.example", 80)


async def test_a_redirect_into_the_private_network_is_not_followed(serve: Serve) -> None:
    from starlette.responses import RedirectResponse
    from starlette.routing import Route

    async def away(request: Any) -> RedirectResponse:
        return RedirectResponse("/webhook/inside", status_code=307)

    sandbox = WebhookSandbox()
    routes = sandbox.routes()
    sandbox.routes = lambda: [Route("/moved", away, methods=["POST"]), *routes]  # type: ignore[method-assign]
    error = await failure(client(await serve(sandbox) + "/moved"))
    assert type(error) is InvalidRequest
    assert not sandbox.records


async def test_a_connection_that_only_receives_refuses_to_call() -> None:
    assert "no address" in str(await failure(client("")))


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "ftp://shop.example/x"},
        {"url": "shop.example/x"},
        {"url": "https://user:pw@shop.example/"},
        {"url": "https://shop.example/a b"},
        {"url": "https://shop.example/\n"},
        {"url": "https://münchen.example/"},
        {"url": "https://shop.example/#x"},
        {"url": "https:///x"},
        {"secret": "whsec_"},
        {"secret": "whsec_c2hvcnQ="},
        {"secret": "whsec_not base64 at all, really"},
        {"secret": "whsec_ünïcödé-ünïcödé-ünïcödé"},
        {"header_name": "Authorization"},
        {"header_value": "Bearer x"},
        {"header_name": "Host", "header_value": "x"},
        {"header_name": "webhook-id", "header_value": "x"},
        {"header_name": "X:Y", "header_value": "x"},
        {"header_name": "X-Key", "header_value": "a\r\nb"},
        {"header_name": "X-Key", "header_value": " "},
    ],
)
def test_an_account_that_cannot_work_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        WebhookAccount(**{**SANDBOX_ACCOUNT, **fields})
    assert SANDBOX_ACCOUNT["secret"] not in str(caught.value)


@pytest.mark.parametrize(
    "secret", ["whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC1rZXk", "c2FuZGJveC13ZWJob29rLXNlY3JldC1rZXkh"]
)
def test_a_secret_without_padding_or_prefix_is_taken(secret: str) -> None:
    assert WebhookAccount(secret=secret).url == ""


@pytest.mark.parametrize("page", ["<!DOCTYPE html><p>Log in", "\n <html lang=en>We will be back"])
async def test_a_page_for_people_is_no_receipt(serve: Serve, page: str) -> None:
    sandbox = WebhookSandbox()
    one = client(await serve(sandbox) + "/inbox")
    sandbox.faults.append(Fault(status=200, body=page))
    assert isinstance(await failure(one), ConnectorBug)


@pytest.mark.parametrize("body", ["", "ok", "<ok/>", "{}", "thanks <html>"])
async def test_any_other_2xx_is_a_receipt(serve: Serve, body: str) -> None:
    sandbox = WebhookSandbox()
    one = client(await serve(sandbox) + "/inbox")
    sandbox.faults.append(Fault(status=202, body=body))
    await one.call(job())
    await one.aclose()
