"""A real Chromium looking at the session's hub. `install_chromium.sh` installs one where it can."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from connectors.kit.registry import manifest
from connectors.shopify.sandbox import ShopifySandbox
from deployments.demo.cast import KIT, MAREK, DemoDay
from deployments.demo.shopify_payloads import customer, order
from deployments.demo.stage import account_fields
from tests.running_hub import RunningHub

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
PATIENCE_MS = 20_000
"""How long a page may take to show what it should: the interface loads in pieces."""

_numbers = itertools.count(8001)

expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips, with the reason, where there is no Chromium: before a hub is started for nothing."""
    if chromium() is not None:
        return
    reason = "there is no Chromium: run tests/browser/install_chromium.sh or set CHROMIUM_PATH"
    folder = Path(__file__).parent
    for item in items:
        if folder in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


def chromium() -> str | None:
    """Where a Chromium is; None where there is none."""
    return shutil.which(os.environ.get("CHROMIUM_PATH") or "chromium") or shutil.which("chromium")


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The session's browser; Playwright gives it a profile of its own, removed afterwards."""
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield found
        await found.close()


@pytest_asyncio.fixture
async def page(browser: Browser, hub: RunningHub) -> AsyncIterator[Page]:
    """A new window on the Prefect UI, with relative addresses below it."""
    context = await browser.new_context(
        base_url=f"http://127.0.0.1:{hub.settings.prefect_port}",
        viewport={"width": 1400, "height": 1000},
    )
    found = await context.new_page()
    found.set_default_timeout(PATIENCE_MS)
    yield found
    await context.close()


@pytest_asyncio.fixture
async def console(browser: Browser, hub: RunningHub) -> AsyncIterator[Page]:
    """A window of somebody who is signed in."""
    context = await browser.new_context(base_url=hub.settings.base_url)
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await page.goto("/console/members")
    await page.get_by_label("Your name").fill("Ines Ops")
    await page.get_by_label("Console key").fill((hub.home / "console.key").read_text().strip())
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Members")).to_be_visible()
    yield page
    await context.close()


Buy = Callable[[], Awaitable[str]]


@pytest.fixture
def buy(hub: RunningHub) -> Buy:
    """Sends the signed webhook of a new order of a starter kit; answers the order's id."""
    day = DemoDay.of(datetime.now(UTC))
    fields = account_fields("shopify", hub.settings)
    account = manifest("shopify").account.model_validate(fields)
    hook = f"{hub.settings.base_url}/hooks/shopify/main"
    shop = ShopifySandbox()

    async def sell() -> str:
        body = order(day, next(_numbers), [(KIT, 1)], at=day.at("9:00"), buyer=MAREK)
        joined = customer(day, MAREK)
        for topic, payload in (("customers/create", joined), ("orders/paid", body)):
            assert await shop.deliver(hook, topic, payload, account=account) == 202
        return str(body["id"])

    return sell
