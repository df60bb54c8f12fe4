"""Deliveries to Zaps, guarded addresses, and what ends a subscription."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import ValidationError
from standardwebhooks import Webhook
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from connectors.kit.action import Job
from connectors.kit.errors import AuthError, ConnectorBug, ConnectorError, InvalidRequest
from connectors.kit.sandbox import VendorSandbox
from connectors.zapier.account import ZapierAccount
from connectors.zapier.actions import HookDelivery
from connectors.zapier.client import ZapierClient
from connectors.zapier.sandbox import SANDBOX_ACCOUNT, ZapierSandbox
from connectors.zapier.targets import is_zapiers, require_target

ZAP = "https://hooks.zapier.com/hooks/standard/7001/abc/"
EVENT = {"specversion": "1.0", "id": "42", "type": "order.paid", "data": {"total": "59.90"}}
Serve = Callable[[VendorSandbox], Awaitable[str]]


class Stranger(VendorSandbox):
    """A subscriber of somebody's own, answering whatever it is told to."""

    slug = "stranger"

    def __init__(self) -> None:
        super().__init__()
        self.answer = Response(status_code=204)

    def routes(self) -> list[Route]:
        return [Route("/listen", self._listen, methods=["POST"])]

    async def _listen(self, request: Request) -> Response:
        self.record("call", headers=dict(request.headers), body=await request.body())
        return self.answer


def job(url: str = ZAP, event: dict[str, Any] | None = None) -> Job:
    return Job("a-key", HookDelivery(hook_id="h-1", target_url=url, event=event or EVENT))


def account(**fields: Any) -> ZapierAccount:
    return ZapierAccount.model_validate({**SANDBOX_ACCOUNT, **fields})


@pytest_asyncio.fixture
async def stranger(serve: Serve) -> AsyncIterator[tuple[Stranger, str, ZapierClient]]:
    found = Stranger()
    base_url = await serve(found)
    client = ZapierClient(account(allow_private_network=True))
    yield found, f"{base_url}/listen", client
    await client.aclose()


@pytest_asyncio.fixture
async def zapier(serve: Serve) -> AsyncIterator[tuple[ZapierSandbox, ZapierClient]]:
    found = ZapierSandbox()
    client = ZapierClient(account(base_url=await serve(found)))
    yield found, client
    await client.aclose()


async def test_a_zap_gets_the_event_once_under_its_id(
    zapier: tuple[ZapierSandbox, ZapierClient],
) -> None:
    sandbox, client = zapier
    for _ in range(2):
        assert (await client.deliver(job())).vendor_id == "42"
    assert [one["event"] for one in sandbox.records] == [EVENT]
    assert sum(sandbox.calls.values()) == 2


async def test_410_ends_the_subscription(zapier: tuple[ZapierSandbox, ZapierClient]) -> None:
    sandbox, client = zapier
    sandbox.switch_off("abc")
    with pytest.raises(InvalidRequest) as caught:
        await client.deliver(job())
    assert (caught.value.vendor_code, caught.value.status) == ("gone", 410)
    assert "hooks/standard" not in str(caught.value)


async def test_a_subscriber_of_your_own_can_check_the_signature(
    stranger: tuple[Stranger, str, ZapierClient],
) -> None:
    other, url, client = stranger
    await client.deliver(job(url))
    [call] = other.records
    Webhook(SANDBOX_ACCOUNT["signing_secret"]).verify(call["body"], call["headers"])
    assert json.loads(call["body"]) == EVENT
    assert "authorization" not in call["headers"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response(status_code=401), InvalidRequest),
        (Response(status_code=403), InvalidRequest),
        (Response(status_code=302, headers={"location": "http://10.0.0.1/"}), InvalidRequest),
        (PlainTextResponse("<!doctype html><p>Log in"), ConnectorBug),
    ],
)
async def test_a_strangers_refusal_does_not_pause_the_connection(
    stranger: tuple[Stranger, str, ZapierClient], answer: Response, error: type[ConnectorError]
) -> None:
    other, url, client = stranger
    other.answer = answer
    with pytest.raises(error) as caught:
        await client.deliver(job(url))
    assert not isinstance(caught.value, AuthError)
    assert len(other.records) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/x",
        "ftp://hooks.example/x",
        "https://127.0.0.1/x",
        "https://10.1.2.3/x",
        "https://169.254.169.254/latest",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://localhost/x",
        "https://sub.localhost/x",
        "https://ann:secret@hooks.example/x",
        "https://hooks.example/x#part",
        "https://hooks.example:99999/x",
        "https://[oops/x",
        "https://hooks.example/ x",
        "https://hooks.exämple/x",
        "https://",
        "/hooks",
        "https://hooks.example/" + "x" * 2000,
    ],
)
async def test_other_addresses_are_refused_and_not_called(url: str) -> None:
    with pytest.raises(InvalidRequest):
        require_target(url)
    client = ZapierClient(account())
    try:
        with pytest.raises(InvalidRequest):
            await client.deliver(job(url))
    finally:
        await client.aclose()


async def test_a_name_that_leads_into_a_private_network_is_not_called() -> None:
    client = ZapierClient(account(), timeout=httpx.Timeout(2.0))
    try:
        with pytest.raises(InvalidRequest, match="private network"):
            await client._others.send("POST", "https://localhost:1/x", content=b"{}")
    finally:
        await client.aclose()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (ZAP, True),
        ("https://HOOKS.zapier.com/hooks/x/", True),
        ("http://hooks.zapier.com/hooks/x/", False),
        ("https://hooks.zapier.com.evil.example/x", False),
        ("https://hooks.zapier.com:8443/x", False),
        ("https://hooks.zapier.com@evil.example/x", False),
    ],
)
def test_zapiers_own_addresses_are_told_from_look_alikes(url: str, expected: bool) -> None:
    assert is_zapiers(url) is expected


async def test_without_the_hubs_address_the_check_says_what_it_did_not_try() -> None:
    client = ZapierClient(account())
    try:
        assert "hub_url" in await client.check()
    finally:
        await client.aclose()


@pytest.mark.parametrize(
    "fields",
    [
        {"api_key": "short"},
        {"api_key": ""},
        {"api_key": "ä" * 40},
        {"signing_secret": "whsec_c2hvcnQ="},
        {"signing_secret": "whsec_not base64"},
    ],
)
def test_weak_secrets_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        account(**fields)
    assert all(value not in str(caught.value) for value in fields.values() if value)
