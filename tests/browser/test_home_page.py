"""The hub's home page: what waits and the connections, by day and by night, wide and narrow."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from deployments.demo.stage import CAST
from tests.running_hub import RunningHub

pytestmark = pytest.mark.browser

Scheme = Literal["light", "dark"]


@pytest_asyncio.fixture(params=["light", "dark"])
async def home(
    request: pytest.FixtureRequest, browser: Browser, hub: RunningHub
) -> AsyncIterator[tuple[Page, Scheme]]:
    context = await browser.new_context(color_scheme=request.param)
    page = await context.new_page()
    await page.goto(hub.settings.base_url)
    yield page, request.param
    await context.close()


async def test_it_shows_what_waits_and_the_connections(home: tuple[Page, Scheme]) -> None:
    page, _ = home
    await expect(page.get_by_role("heading", name="Events that wait")).to_be_visible()
    await expect(page.get_by_role("heading", name="Deliveries")).to_be_visible()
    for slug in CAST:
        row = page.get_by_role("row").filter(has_text=f"{slug}/main").last
        await expect(row).to_contain_text("active")


async def test_it_can_be_read_by_day_and_by_night(home: tuple[Page, Scheme]) -> None:
    page, scheme = home
    ink, paper = await _brightness(page, "color"), await _brightness(page, "background-color")
    assert (ink < paper) is (scheme == "light")
    assert _contrast(ink, paper) >= 7


async def test_nothing_is_loaded_from_elsewhere(browser: Browser, hub: RunningHub) -> None:
    page = await browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(hub.settings.base_url)
    await page.close()
    assert [url for url in asked if not url.startswith(hub.settings.base_url)] == []


async def test_it_fits_a_telephone(browser: Browser, hub: RunningHub) -> None:
    page = await browser.new_page(viewport={"width": 390, "height": 844})
    await page.goto(hub.settings.base_url)
    overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    await page.close()
    assert overflow <= 0


async def _brightness(page: Page, what: str) -> float:
    """The relative luminance of a colour of the page (WCAG 2.2)."""
    colour: Any = await page.evaluate(
        "what => getComputedStyle(document.body).getPropertyValue(what)", what
    )
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: float, other: float) -> float:
    dark, light = sorted((one, other))
    return (light + 0.05) / (dark + 0.05)
