"""The widget in a real browser, in a page of another site that allows it no more than it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, FrameLocator, Page, expect

from loyalty.store.database import Database
from tests.browser.storefront import Storefront, storefront
from tests.widget.conftest import ADA, Shop, adjustment, opened, order, programme, site

pytestmark = pytest.mark.browser

HUB = "http://127.0.0.1:{port}"


@dataclass
class Visit:
    """A person with a browser in front of the shop's page."""

    shop: Shop
    front: Storefront
    page: Page
    problems: list[str] = field(default_factory=list)

    @property
    def hub(self) -> str:
        """The hub's address."""
        return self.front.hub

    @property
    def panel(self) -> FrameLocator:
        """What the widget shows."""
        return self.page.frame_locator("iframe")

    @property
    def button(self) -> Any:
        """The button in the shop's page."""
        return self.page.get_by_role("button", name="Rewards", exact=True)

    async def open(self) -> None:
        """Goes to the shop and opens the widget."""
        await self.page.goto(self.front.origin)
        await self.button.click()
        await self.shown()

    async def shown(self) -> None:
        """Waits until the open tab shows what it has."""
        await expect(self.panel.locator("main")).to_have_attribute("aria-busy", "false")

    async def tab(self, name: str) -> None:
        """Opens a tab."""
        await self.panel.get_by_role("tab", name=name).click()
        await self.shown()

    async def sign_in(self, email: str = ADA) -> None:
        """Asks for a link, follows it in another window, and comes back to the shop."""
        await self.panel.get_by_label("E-mail address").fill(email)
        await self.panel.get_by_role("button", name="Send me the link").click()
        await expect(self.panel.get_by_role("status")).to_contain_text("on its way")
        mail = await self.page.context.new_page()
        await mail.goto(self.hub + await self.shop.last_link())
        await mail.get_by_role("button", name="Sign in").click()
        await mail.get_by_role("link", name="Back to the shop").click()
        await mail.wait_for_url(self.front.origin + "/")
        self.page = mail
        await self.shown()


@pytest_asyncio.fixture
async def visit(browser: Browser, database: Database, tmp_path: Path) -> AsyncIterator[Visit]:
    async with opened(database, tmp_path, public=HUB) as shop, storefront() as front:
        front.hub = HUB.format(port=shop.gateway.port)
        await shop.save(programme(site(origins=[front.origin])))
        context = await browser.new_context(locale="en-GB")
        page = await context.new_page()
        found = Visit(shop, front, page)
        watch(context, found.problems)
        async with shop.working():
            yield found
        await context.close()
    assert found.problems == []


def watch(context: BrowserContext, problems: list[str]) -> None:
    """Collects what the browser complains of: scripts that fail, policies that were broken."""
    context.on("weberror", lambda error: problems.append(str(error.error)))
    context.on(
        "console",
        lambda line: problems.append(line.text) if line.type in ("error", "warning") else None,
    )


async def flaws(page: Page) -> list[str]:
    """What axe finds in the page and its frames (WCAG 2.2 A and AA, and best practices)."""
    found = await Axe().run(page)
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]


async def test_a_member_signs_in_by_mail_and_sees_points_and_movements(visit: Visit) -> None:
    await visit.shop.enrol()
    await visit.shop.tell(order("1001", "120.00"), adjustment("a1", -20, "returned a mug"))
    await visit.open()
    await visit.sign_in()
    await expect(visit.panel.get_by_text("Hello Ada")).to_be_visible()
    await visit.tab("My balance")
    await expect(visit.panel.get_by_text("150 points")).to_be_visible()
    await expect(visit.panel.get_by_text("Adjusted by our team: returned a mug")).to_be_visible()


async def test_somebody_new_joins_by_the_same_link(visit: Visit) -> None:
    await visit.open()
    await visit.sign_in("bo@example.com")
    await visit.panel.get_by_role("button", name="Join now").click()
    await expect(visit.panel.get_by_role("status")).to_have_text("Welcome! You are a member now.")
    await visit.tab("My balance")
    await expect(visit.panel.get_by_text("50 points", exact=True)).to_be_visible()


async def test_axe_finds_nothing_on_any_tab_by_day_and_by_night(visit: Visit) -> None:
    await visit.shop.enrol()
    await visit.shop.tell(order("1001", "120.00"))
    await visit.open()
    assert await flaws(visit.page) == []
    await visit.sign_in()
    for scheme in ("light", "dark"):
        await visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for name in await visit.panel.get_by_role("tab").all_inner_texts():
            await visit.tab(name)
            assert await flaws(visit.page) == [], (scheme, name)
