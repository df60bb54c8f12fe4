"""Two shops and a worker that asks them, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from connectors.shopify.sandbox import ShopifySandbox
from loyalty.store.database import Database
from tests.connectors.conftest import served
from tests.flows.reconcile.round import Round
from tests.flows.sending.office import Office


@pytest_asyncio.fixture
async def office(database: Database, tmp_path: Path) -> AsyncIterator[Office]:
    """Closes the lines of its hubs at the end."""
    found = Office(database, tmp_path)
    yield found
    for hub in found.hubs:
        await hub.clients.aclose()


@pytest_asyncio.fixture
async def shop(office: Office) -> AsyncIterator[ShopifySandbox]:
    """A shop, connected as `shopify/main`, where Mila has signed up and ordered twice."""
    found = ShopifySandbox()
    async with served(found) as base_url:
        await office.connect("shopify/main", found.account_at(base_url))
        found.stage()
        yield found


@pytest_asyncio.fixture
async def round_(office: Office, shop: ShopifySandbox) -> Round:
    """A worker's round over what is due."""
    return Round(office, office.hub())
