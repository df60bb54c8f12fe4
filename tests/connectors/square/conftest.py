"""A sandbox of Square's that is served, and clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.kit.sandbox import VendorSandbox
from connectors.square.account import SquareAccount
from connectors.square.client import SquareClient
from connectors.square.sandbox import SquareSandbox
from tests.connectors.contract import record_traffic
from tests.connectors.serving import served


class Stage(VendorSandbox):
    """One server for all tests of a file; each test puts its own sandbox on it."""

    slug = "square"

    def __init__(self) -> None:
        super().__init__()
        self.current: ASGIApp | None = None

    def app(self) -> ASGIApp:
        async def forward(scope: Scope, receive: Receive, send: Send) -> None:
            assert self.current is not None
            await self.current(scope, receive, send)

        return forward


@pytest_asyncio.fixture(scope="module")
async def stage() -> AsyncIterator[tuple[Stage, str]]:
    """The stage and where it is served."""
    found = Stage()
    async with served(found) as base_url:
        yield found, base_url


class Till:
    """One sandbox; `open` makes clients, `traffic` is what they asked and heard."""

    def __init__(self) -> None:
        self.sandbox = SquareSandbox()
        self.traffic = record_traffic(self.sandbox)
        self.base_url = ""
        self.clients: list[SquareClient] = []

    def open(self, **changes: Any) -> SquareClient:
        fields = {**self.sandbox.account_at(self.base_url), **changes}
        self.clients.append(SquareClient(SquareAccount.model_validate(fields)))
        return self.clients[-1]


@pytest.fixture
async def till(stage: tuple[Stage, str]) -> AsyncIterator[Till]:
    found = Till()
    on, found.base_url = stage
    on.current = found.sandbox.app()
    yield found
    for client in found.clients:
        await client.aclose()
