"""A server on which every test puts its own sandbox of a WooCommerce shop."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.kit.sandbox import VendorSandbox
from tests.connectors.serving import served


class Stage(VendorSandbox):
    """One server for all tests of a file; each test puts its own sandbox on it."""

    slug = "woocommerce"

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
