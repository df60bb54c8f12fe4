"""The catalogue of rewards in the console: a form that helps, and keeps nobody's change away."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from tests.browser.accessible import barriers, follow

pytestmark = pytest.mark.browser

HOME = "/console/rewards/catalogue"


async def keep(page: Page) -> None:
    await page.get_by_role("button", name="Keep it").click()


async def is_marked(page: Page, label: str, says: str) -> None:
    """The field is marked as wrong, and a screen reader hears why."""
    field = page.get_by_label(label, exact=True)
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(field).to_have_accessible_description(re.compile(says))


async def test_a_reward_is_added_changed_and_switched_off(console: Page) -> None:
    mark = f"browser-{uuid4().hex[:8]}"
    await follow(console, "Rewards", to="Rewards")
    await follow(console, "The catalogue", to="Catalogue")
    await follow(console, "Add a reward", to="A new reward")

    await console.get_by_label("Id", exact=True).fill(mark)
    await console.get_by_label("Name", exact=True).fill("en: 5 € off\nde: 5 € Rabatt")
    await console.get_by_label("What members get").select_option("discount")
    await console.get_by_label(re.compile("^Worth in")).fill("5.00")
    await console.get_by_label("Costs so many points").fill("many")
    await keep(console)
    await expect(console.get_by_role("alert")).to_contain_text("Nothing was kept yet")
    await is_marked(console, "Costs so many points", "number")
    assert await barriers(console) == []
    await console.get_by_label("Costs so many points").fill("500")
    await keep(console)
    await expect(console.get_by_role("status")).to_contain_text(f"{mark} is kept")
    row = console.get_by_role("row").filter(has_text=mark)
    await expect(row).to_contain_text("5 € off")
    await expect(row.get_by_role("cell").nth(2)).to_have_text("500")
    await expect(row.get_by_role("cell").nth(3)).to_have_text("yes")

    await row.get_by_role("link").first.click()
    await expect(console.get_by_label("Name", exact=True)).to_have_value(re.compile("5 € Rabatt"))
    await console.get_by_label("It is offered").uncheck()
    await keep(console)
    await expect(row.get_by_role("cell").nth(3)).to_have_text("switched off")


async def test_who_saves_over_somebody_elses_change_is_told(console: Page) -> None:
    mark = f"browser-{uuid4().hex[:8]}"
    await console.goto(f"{HOME}/new")
    await console.get_by_label("Id", exact=True).fill(mark)
    await console.get_by_label("Name", exact=True).fill("en: A mug")
    await console.get_by_label("What members get").select_option("custom")
    await console.get_by_label("Costs so many points").fill("500")
    await console.get_by_label("It is offered").uncheck()
    await keep(console)
    await expect(console.get_by_role("status")).to_contain_text("is kept")

    await console.goto(f"{HOME}/{mark}")
    other = await console.context.new_page()
    await other.goto(f"{HOME}/{mark}")
    await other.get_by_label("Costs so many points").fill("450")
    await keep(other)
    await expect(other.get_by_role("status")).to_contain_text("is kept")
    await console.get_by_label("Costs so many points").fill("400")
    await keep(console)
    await expect(console.get_by_role("alert")).to_contain_text("Nothing was kept yet")
    assert await barriers(console) == []
    row = other.get_by_role("row").filter(has_text=mark)
    await other.reload()
    await expect(row.get_by_role("cell").nth(2)).to_have_text("450")
