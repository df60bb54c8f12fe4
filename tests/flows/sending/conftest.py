"""A post office with the sink and the custom webhook's endpoint behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from connectors.webhook.sandbox import WebhookSandbox
from loyalty.store.database import Database
from tests.connectors.conftest import served
from tests.flows.sending.office import Office
from tests.flows.sending.sink import Sink


@pytest_asyncio.fixture
async def office(database: Database, tmp_path: Path) -> AsyncIterator[Office]:
    """Closes the lines of its hubs at the end."""
    found = Office(database, tmp_path)
    yield found
    for hub in found.hubs:
        await hub.clients.aclose()


@pytest_asyncio.fixture
async def sink(office: Office) -> AsyncIterator[Sink]:
    """The sink, connected as `sink/main`."""
    found = Sink()
    async with served(found) as base_url:
        await office.connect("sink/main", {"base_url": base_url})
        yield found


@pytest_asyncio.fixture
async def endpoint(office: Office) -> AsyncIterator[WebhookSandbox]:
    """The endpoint of the custom webhook, connected as `webhook/main`."""
    found = WebhookSandbox()
    async with served(found) as base_url:
        await office.connect("webhook/main", found.account(base_url))
        yield found
