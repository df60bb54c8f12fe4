"""Sandboxes that are stopped together when the module ends: stopping one takes 0.1 seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest_asyncio

from connectors.kit.sandbox import VendorSandbox
from tests.connectors.serving import served

Serve = Callable[[VendorSandbox], Awaitable[str]]


@pytest_asyncio.fixture(scope="module")
async def running() -> AsyncIterator[list[AsyncExitStack]]:
    """What was started in this module."""
    started: list[AsyncExitStack] = []
    yield started
    await asyncio.gather(*[one.aclose() for one in started])


@pytest_asyncio.fixture
async def serve(running: list[AsyncExitStack]) -> Serve:
    """`base_url = await serve(sandbox)`, each at an address of its own."""

    async def start(sandbox: VendorSandbox) -> str:
        running.append(AsyncExitStack())
        return await running[-1].enter_async_context(served(sandbox))

    return start
