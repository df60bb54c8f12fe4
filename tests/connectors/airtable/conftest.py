"""One server for the folder's tests: stopping one takes longer than most of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.airtable.sandbox import AirtableSandbox
from connectors.kit.sandbox import VendorSandbox
from tests.connectors.serving import served


class Front(AirtableSandbox):
    """Passes every call on to the stand-in of the test."""

    behind: ASGIApp

    def app(self) -> ASGIApp:
        async def passed_on(scope: Scope, receive: Receive, send: Send) -> None:
            await self.behind(scope, receive, send)

        return passed_on


@pytest_asyncio.fixture(scope="module")
async def front() -> AsyncIterator[tuple[Front, str]]:
    one = Front()
    async with served(one) as url:
        yield one, url


@pytest.fixture
def serve(front: tuple[Front, str]) -> Callable[[VendorSandbox], Awaitable[str]]:
    """`base_url = await serve(sandbox)`, as everywhere."""

    async def start(sandbox: VendorSandbox) -> str:
        front[0].behind = sandbox.app()
        return front[1]

    return start
