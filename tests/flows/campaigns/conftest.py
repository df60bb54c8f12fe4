"""A shop with customers, and a worker that imports and invites them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from connectors.shopify.sandbox import ShopifySandbox
from loyalty.store.database import Database
from rules import RuleSet
from tests.connectors.conftest import served
from tests.flows.booking.desk import Desk
from tests.flows.campaigns.drive import Drive
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
    """A shop, connected as `shopify/main`, with nobody in it yet."""
    found = ShopifySandbox(page_size=2)
    async with served(found) as base_url:
        await office.connect("shopify/main", found.account_at(base_url))
        yield found


@pytest_asyncio.fixture
async def drive(database: Database) -> Drive:
    """Campaigns on a booking desk, with the clock in the test's hands."""
    return Drive(database, Desk(database, rules=RuleSet.load([])))
