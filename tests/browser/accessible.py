"""What axe finds on a page that keeps people out."""

from __future__ import annotations

from collections.abc import Collection

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

SERIOUS = frozenset({"serious", "critical"})
EVERYTHING = SERIOUS | {"moderate", "minor"}


async def barriers(page: Page, *, impacts: Collection[str] = EVERYTHING) -> list[str]:
    """Each rule that the page breaks, with the first element that breaks it."""
    found = await Axe().run(page)
    return [
        f"{one['id']}: {one['nodes'][0]['html']}"
        for one in found.response["violations"]
        if one["impact"] in impacts
    ]


async def follow(page: Page, link: str, *, to: str) -> None:
    """Follows a link to the page with this heading, and finds nothing there that bars people.

    It waits for the page: axe would otherwise look at one that is about to go.
    """
    await page.get_by_role("link", name=link, exact=True).click()
    await expect(page.get_by_role("heading", level=1, name=to, exact=True)).to_be_visible()
    assert await barriers(page) == []
