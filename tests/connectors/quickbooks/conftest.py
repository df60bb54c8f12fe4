"""One server for the whole module: starting and stopping one takes longer than a test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.kit.sandbox import VendorSandbox
from tests.connectors.serving import served

SLUG = "quickbooks"


class Stage(VendorSandbox):
    """An address at which one sandbox after the other is served."""

    slug = SLUG
    playing: ASGIApp
    address: str

    def app(self) -> ASGIApp:
        async def play(scope: Scope, receive: Receive, send: Send) -> None:
            await self.playing(scope, receive, send)

        return play


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    """The address, for as long as the module's tests run."""
    found = Stage()
    async with served(found) as found.address:
        yield found


@pytest.fixture
def serve(stage: Stage) -> Callable[[VendorSandbox], Awaitable[str]]:
    """`base_url = await serve(sandbox)`, as everywhere."""

    async def start(sandbox: VendorSandbox) -> str:
        stage.playing = sandbox.app()
        return stage.address

    return start
