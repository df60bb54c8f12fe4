"""The console in a browser: signed in, a member found, points given, a delivery sent again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, Page, expect

from gateway.console.sections import SECTIONS
from loyalty.store import deliveries, delivery_lists
from loyalty.store.database import Database
from loyalty.store.deliveries import Delivery
from loyalty.store.ids import new_id
from tests.browser.accessible import SERIOUS, barriers
from tests.browser.conftest import Buy
from tests.running_hub import RunningHub

pytestmark = pytest.mark.browser


async def test_a_member_is_found_and_given_points(console: Page, buy: Buy) -> None:
    await buy()
    search = console.get_by_label("Name, e-mail, telephone, card or customer id")
    found = console.get_by_role("link", name="Marek")
    for _ in range(40):
        await search.fill("Marek")
        await console.get_by_role("button", name="Search").click()
        if await found.count():
            break
        await console.wait_for_timeout(250)
    await found.first.click()
    await console.get_by_label("Points", exact=True).fill("25")
    await console.get_by_label("Why", exact=True).fill("the parcel was late")
    await console.get_by_role("button", name="Book the points").click()
    await expect(console.get_by_role("status")).to_contain_text("25 points given.")
    movement = console.get_by_role("listitem").filter(has_text="Given by hand by Ines Ops")
    await expect(movement.first).to_contain_text("+25")
    await movement.first.get_by_role("link", name="Why").click()
    await expect(console.get_by_role("heading", level=1)).to_contain_text("points.adjusted")


async def test_a_delivery_is_sent_again(console: Page, hub: RunningHub) -> None:
    now = datetime.now(UTC)
    one = Delivery(
        id=new_id(now), key=f"browser-{now.timestamp()}", capability="email", connector="smtp",
        connection="main", action="send_email", state="dead", created_at=now,
        input={"to": "browser@example.org", "subject": "Again", "text": "Hello"},
        target="browser@example.org", reason="the relay was away",
    )  # fmt: skip
    books = Database(hub.database_url)
    async with books.begin() as connection:
        await deliveries.plan(connection, [one])
    await console.get_by_role("link", name="Deliveries").click()
    row = console.get_by_role("row").filter(has_text="browser@example.org")
    await row.get_by_role("checkbox").first.check()
    await console.get_by_label("Why", exact=True).fill("the relay is back")
    await console.get_by_role("button", name="Send the ticked again").click()
    await expect(console.get_by_role("status")).to_contain_text("1 delivery sent again.")
    for _ in range(80):
        async with books.begin() as connection:
            [found] = await delivery_lists.search(connection, delivery_lists.Search(ids=(one.id,)))
        if found.state == "sent":
            break
        await console.wait_for_timeout(250)
    await books.aclose()
    assert found.state == "sent"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious_on_any_page(console: Page, buy: Buy, scheme: str) -> None:
    await console.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    await buy()
    addresses = [section.address for section in SECTIONS]
    await console.goto("/console/members")
    member = console.locator("td a").first
    if await member.count():
        addresses.append(str(await member.get_attribute("href")))
    for address in (*addresses, "/console/nowhere"):
        await console.goto(address)
        assert await barriers(console, impacts=SERIOUS) == [], address


async def test_pages_fit_a_telephone_and_load_nothing_from_elsewhere(
    console: Page, hub: RunningHub
) -> None:
    asked: list[str] = []
    console.on("request", lambda request: asked.append(request.url))
    await console.set_viewport_size({"width": 390, "height": 844})
    for section in SECTIONS:
        await console.goto(section.address)
        overflow = await console.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, section.address
    assert [url for url in asked if not url.startswith(hub.settings.base_url)] == []


async def test_the_ticket_of_the_start_opens_the_console_once(
    browser: Browser, hub: RunningHub
) -> None:
    address = next(
        line.split()[1] for line in hub.output().splitlines() if line.startswith("console ")
    )
    for is_first in (True, False):
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(address)
        await page.get_by_label("Your name").fill("Otto")
        await page.get_by_role("button", name="Sign in").click()
        if is_first:
            await expect(page.get_by_role("heading", name="What needs you")).to_be_visible()
        else:
            await expect(page.get_by_role("alert")).to_contain_text("prints a new one")
        await context.close()
