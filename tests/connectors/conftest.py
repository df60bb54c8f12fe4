"""Gives tests a vendor's sandbox on loopback: `base_url = await serve(sandbox)`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest_asyncio

from connectors.kit.sandbox import VendorSandbox
from tests.connectors.serving import served

Serve = Callable[[VendorSandbox], Awaitable[str]]


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Serve]:
    """`base_url = await serve(sandbox)`; every sandbox is stopped at the end of the test."""
    async with AsyncExitStack() as stack:

        async def start(sandbox: VendorSandbox) -> str:
            return await stack.enter_async_context(served(sandbox))

        yield start
