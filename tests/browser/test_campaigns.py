"""A campaign in the console, from choosing whose customers to the last invitation sent."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from flows.customer_import import take_in
from loyalty.events import Channel, ConsentState, Customer
from loyalty.store.database import Database
from tests.browser.accessible import barriers, follow

pytestmark = pytest.mark.browser

SHOP = "square/main"


async def customers(books: Database, count: int) -> list[str]:
    """Customers of the shop who agreed to e-mail, as an import brings them; their addresses."""
    mark = uuid4().hex[:8]
    found = [
        Customer(
            id=f"{mark}-{number}",
            email=f"{mark}-{number}@shop.example",
            first_name="Zoë",
            consents={Channel.EMAIL: ConsentState.GRANTED},
        )
        for number in range(count)
    ]
    async with books.begin() as connection:
        await take_in(connection, SHOP, found, now=datetime.now(UTC))
    return [str(one.email) for one in found]


async def test_a_campaign_is_made_looked_at_sent_and_switched_off(
    console: Page, books: Database
) -> None:
    addresses = await customers(books, 3)
    name = f"Browser {uuid4().hex[:8]}"
    await follow(console, "Campaigns", to="Campaigns")
    await follow(console, "New campaign", to="New campaign")
    row = console.get_by_role("row").filter(has_text=SHOP)
    invitable = int(await row.get_by_role("cell").nth(3).inner_text())
    assert invitable >= 3

    await console.get_by_label("Name", exact=True).fill(name)
    await console.get_by_label("Whose customers").select_option(SHOP)
    await console.get_by_label("Points for joining").fill("many")
    await console.get_by_role("button", name="Make a draft").click()
    points = console.get_by_label("Points for joining")
    await expect(points).to_have_attribute("aria-invalid", "true")
    await expect(points).to_have_accessible_description(re.compile("Give a number of points"))
    assert await barriers(console) == []
    await points.fill("40")
    await console.get_by_role("button", name="Make a draft").click()
    await expect(console.get_by_role("status")).to_contain_text("It is a draft")
    assert await barriers(console) == []

    await console.get_by_role("link", name="Preview").click()
    await expect(console.get_by_role("status")).to_contain_text("would be sent at")
    mail = console.frame_locator("iframe.mail")
    await expect(mail.get_by_role("link", name="Join and get my points")).to_be_visible()
    assert await barriers(console) == []
    await console.get_by_role("link", name="Back to the campaign").click()

    await console.get_by_role("button", name="Send", exact=True).click()
    asked = console.get_by_role("heading", name=f"Send {invitable} invitations?")
    await expect(asked).to_be_visible()
    assert await barriers(console) == []
    await console.get_by_role("button", name=f"Send {invitable}", exact=True).click()
    await expect(console.get_by_role("status")).to_contain_text("invitations are on their way")

    await everybody_is_listed(console, addresses)
    assert await barriers(console) == []
    await console.get_by_role("button", name="Switch off").click()
    await expect(console.get_by_role("status")).to_contain_text("It is inactive")
    await expect(console.get_by_role("button", name="Switch on")).to_be_visible()


async def everybody_is_listed(console: Page, addresses: list[str]) -> None:
    """Looks again until each person stands there with the time at which they were invited."""
    for _ in range(60):
        sent = [
            console.get_by_role("row").filter(has_text=one).filter(has_text=re.compile(r"\d:\d\d"))
            for one in addresses
        ]
        if [await one.count() for one in sent] == [1] * len(addresses):
            return
        await console.wait_for_timeout(250)
        await console.reload()
    pytest.fail("the invitations were not sent within a quarter of a minute")
