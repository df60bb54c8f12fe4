"""What axe finds on a page that keeps people out."""

from __future__ import annotations

from collections.abc import Collection

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

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
