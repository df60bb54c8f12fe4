"""The clients against their sandboxes, over real HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from connectors.kit.errors import (
    AuthError,
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    RateLimited,
    ScopeError,
    Transient,
)
from connectors.shopify.account import ShopifyAccount
from connectors.shopify.client import ShopifyClient
from connectors.shopify.sandbox import SANDBOX_ACCOUNT, ShopifySandbox

SHORT = httpx.Timeout(0.3)


async def _check(
    shop: Any, base_url: str, *, timeout: httpx.Timeout = SHORT, **changes: Any
) -> str:
    client_class = type(shop.manifest.connect(shop.account()))
    client = client_class(shop.account(base_url, **changes), timeout=timeout)
    try:
        return str(await client.check())
    finally:
        await client.aclose()


async def _break(base_url: str, **fault: Any) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{base_url}/_sandbox/faults", json=[fault])
        assert answer.status_code == 204


async def test_check_says_whose_account_answers(shop: Any, serve: Any) -> None:
    said = await _check(shop, await serve(shop.sandbox_class()))
    assert said.endswith(".")
    assert "answers" in said


async def test_wrong_credentials_are_an_auth_error(shop: Any, serve: Any) -> None:
    base_url = await serve(shop.sandbox_class())
    field = "consumer_secret" if shop.slug == "woocommerce" else "access_token"
    with pytest.raises(AuthError) as caught:
        await _check(shop, base_url, **{field: "canary-9f8e7d"})
    assert not isinstance(caught.value, ScopeError)
    assert "canary-9f8e7d" not in str(caught.value) + repr(caught.value)


TABLE: list[tuple[dict[str, Any], type[ConnectorError]]] = [
    ({"status": 400}, InvalidRequest),
    ({"status": 401}, AuthError),
    ({"status": 402}, QuotaExceeded),
    ({"status": 403}, ScopeError),
    ({"status": 404}, NotFound),
    ({"status": 409}, Conflict),
    ({"status": 422}, InvalidRequest),
    ({"status": 429}, RateLimited),
    ({"status": 500}, Transient),
    ({"status": 502}, Transient),
    ({"status": 503}, Transient),
    ({"status": 200, "body": "<html>maintenance</html>"}, ConnectorBug),
    ({"status": 200, "body": '{"cut'}, ConnectorBug),
    ({"status": 200, "body": "[1]"}, ConnectorBug),
    ({"status": 200, "body": '"text"'}, ConnectorBug),
    ({"status": 301}, ConnectorBug),
    ({"status": 0, "hang_seconds": 2.0}, Transient),
]


async def test_each_failure_has_its_error(shop: Any, serve: Any) -> None:
    base_url = await serve(shop.sandbox_class())
    for fault, expected in TABLE:
        await _break(base_url, **fault)
        error = await _failure(shop, base_url)
        assert type(error) is expected, fault
        assert not [secret for secret in shop.fields.values() if secret in str(error)]


async def _failure(shop: Any, base_url: str) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        await _check(shop, base_url)
    return caught.value


async def test_the_pause_asked_for_is_passed_on(shop: Any, serve: Any) -> None:
    base_url = await serve(shop.sandbox_class())
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    pauses = []
    for value in ("30", later, None):
        await _break(base_url, status=429, retry_after=value)
        error = await _failure(shop, base_url)
        assert isinstance(error, RateLimited)
        pauses.append(error.retry_after)
    assert pauses[0] == timedelta(seconds=30)
    assert pauses[1] is not None
    assert timedelta(seconds=20) < pauses[1] <= timedelta(seconds=30)
    assert pauses[2] is None


async def test_nobody_at_the_address_is_transient(shop: Any, unused_tcp_port: int) -> None:
    with pytest.raises(Transient):
        await _check(shop, f"http://127.0.0.1:{unused_tcp_port}")


async def test_shopify_refuses_with_status_200(serve: Any) -> None:
    base_url = await serve(ShopifySandbox(points=1))
    account = ShopifyAccount.model_validate({**SANDBOX_ACCOUNT, "base_url": base_url})
    client = ShopifyClient(account)
    try:
        await client.check()
        with pytest.raises(RateLimited) as throttled:
            await client.check()
        assert throttled.value.retry_after == timedelta(seconds=1)
        assert throttled.value.vendor_code == "THROTTLED"
        await _break(base_url, status=200, body='{"errors":[{"message":"no","extensions":'
                     '{"code":"ACCESS_DENIED"}}]}')  # fmt: skip
        with pytest.raises(ScopeError):
            await client.check()
    finally:
        await client.aclose()


async def test_shopify_knows_only_the_query_of_the_sandbox(serve: Any) -> None:
    base_url = await serve(ShopifySandbox())
    client = ShopifyClient(ShopifyAccount.model_validate({**SANDBOX_ACCOUNT, "base_url": base_url}))
    try:
        with pytest.raises(InvalidRequest, match="not part of the sandbox"):
            await client.query("{ products { id } }")
    finally:
        await client.aclose()
