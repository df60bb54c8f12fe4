"""The sandboxes send what the connectors accept, over real HTTP."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.kit.webhook import BadSignature, InboundRequest
from loyalty.events import Event
from tests.serving import served


@pytest_asyncio.fixture
async def inbox() -> AsyncIterator[tuple[str, list[InboundRequest]]]:
    """A receiver: its address, and the requests that came."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/hooks/shop/main"
    came: list[InboundRequest] = []

    async def take(request: Request) -> Response:
        body = await request.body()
        headers = dict(request.headers)
        came.append(InboundRequest(request.method, url, headers, body, datetime.now(UTC)))
        return Response(status_code=202)

    app = Starlette(routes=[Route("/hooks/shop/main", take, methods=["POST"])])
    async with served(uvicorn.Config(app, log_level="warning", lifespan="off"), listener):
        yield url, came


def named(event: Event) -> tuple[str, str, object]:
    """An event but for its time: some topics tell none, and are dated by their arrival."""
    return event.type, event.key, event.data


async def test_a_delivered_webhook_is_genuine_and_readable(
    shop: Any, inbox: tuple[str, list[InboundRequest]]
) -> None:
    url, came = inbox
    sandbox = shop.sandbox_class()
    topics = list(shop.manifest.webhook.triggers)
    for topic in topics:
        status = await sandbox.deliver(url, topic, shop.sample(topic), account=shop.account())
        assert status == 202
    assert [record["topic"] for record in sandbox.records] == topics
    for topic, request in zip(topics, came, strict=True):
        direct = shop.events(shop.request(topic, shop.sample(topic)))
        assert [named(one) for one in shop.events(request)] == [named(one) for one in direct]


async def test_another_accounts_webhook_is_refused(
    shop: Any, inbox: tuple[str, list[InboundRequest]]
) -> None:
    url, came = inbox
    topic = next(iter(shop.manifest.webhook.triggers))
    stranger = shop.account(**{shop.signing_field: "somebody-elses"})
    await shop.sandbox_class().deliver(url, topic, shop.sample(topic), account=stranger)
    with pytest.raises(BadSignature):
        shop.events(came[0])


async def test_nobody_listening_is_an_error(shop: Any, unused_tcp_port: int) -> None:
    topic = next(iter(shop.manifest.webhook.triggers))
    url = f"http://127.0.0.1:{unused_tcp_port}/"
    with pytest.raises(httpx.ConnectError):
        await shop.sandbox_class().deliver(url, topic, {}, account=shop.account())
