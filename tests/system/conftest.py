"""What the system tests share, besides the session's hub (`tests/running_hub.py`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from loyalty.store.database import Database
from tests.running_hub import RunningHub, free_ports, start_hub, stop_hub, until
from tests.system.shop import Shop
from tests.system.watch import TRIGGERS, Watch, until_empty

__all__ = ["RunningHub", "free_ports", "start_hub", "stop_hub", "until"]


VENDORS = ("twilio", "smtp", "slack", "hubspot", "mailchimp", "sheets", "klaviyo", "webhook")

GENEROUS = {
    "twilio": (500, 500.0),
    "smtp": (500, 500.0),
    "slack": (500, 500.0),
    "mailchimp": (500, 500.0),
    "sheets": (40, 4.0),
}
"""Limits as far as the sandboxes themselves go, so that tests wait for the hub and not for them."""


async def set_limit(api: httpx.AsyncClient, vendor: str, burst: int, per_second: float) -> None:
    """Edits a connection's limit as the Prefect UI does, once the worker has made it."""

    async def edited() -> bool:
        reply = await api.patch(
            f"/v2/concurrency_limits/limit:{vendor}:main",
            json={"limit": burst, "slot_decay_per_second": per_second},
        )
        return reply.is_success

    await until(edited, 15)


@pytest.fixture(scope="session")
def homes_left_well() -> set[Path]:
    """Homes of hubs that a test has left well: the next one need not make them so again."""
    return set()


@pytest_asyncio.fixture
async def watch(
    hub: RunningHub, books: Database, api: httpx.AsyncClient, homes_left_well: set[Path]
) -> AsyncIterator[Watch]:
    """Looks at the running hub from outside; the hub is well before and after the test."""
    sandboxes = f"http://127.0.0.1:{hub.settings.sandbox_port}"
    async with httpx.AsyncClient(base_url=sandboxes, timeout=30) as vendors:
        watch = Watch(hub, books, api, vendors)
        if hub.home in homes_left_well:
            await until_empty(watch.unrest, 90)  # a page that was looked at may have left work
        else:
            await make_well(watch)
        yield watch
        homes_left_well.discard(hub.home)
        await make_well(watch)
        homes_left_well.add(hub.home)


async def make_well(watch: Watch) -> None:
    """Takes away faults and pauses, restores the limits, and waits until the hub is calm."""
    for vendor in VENDORS:
        await watch.fail(vendor)
    for vendor, (burst, per_second) in GENEROUS.items():
        await set_limit(watch.api, vendor, burst, per_second)
    await asyncio.gather(*(let_go(watch, trigger) for trigger in TRIGGERS))
    await watch.calm()


async def let_go(watch: Watch, trigger: str) -> None:
    """Resumes a deployment and its work queue."""
    deployment = await watch.deployment(trigger)
    if deployment["paused"]:
        await watch.pause(trigger, False)
    await watch.pause_queue(trigger, False)


@pytest_asyncio.fixture
async def shop(hub: RunningHub, books: Database, watch: Watch) -> AsyncIterator[Shop]:
    """A shop with customers and orders that the hub has not seen."""
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx.AsyncClient(timeout=15, limits=limits) as client:
        yield await Shop.open(hub, books, client)
