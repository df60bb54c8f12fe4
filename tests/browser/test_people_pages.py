"""Pages behind links in a browser: pressed with the keyboard, by day and night, on a phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect
from pydantic import SecretStr
from sqlalchemy import text

from loyalty.consent_links import confirm_url, preferences_url, unsubscribe_url
from loyalty.links import Links
from loyalty.store import deliveries, opt_ins
from loyalty.store.database import Database
from loyalty.store.deliveries import Delivery
from loyalty.store.ids import new_id
from loyalty.store.opt_ins import Request
from loyalty.store.vault import Vault
from tests.browser.conftest import PATIENCE_MS
from tests.running_hub import RunningHub, until

pytestmark = pytest.mark.browser


@dataclass
class Mailbox:
    """Links as a guest finds them in an e-mail of the running hub."""

    address: str
    books: Database
    unsubscribe: str
    preferences: str
    confirm: str

    async def said(self) -> list[str]:
        """What the guest said so far, oldest first."""
        async with self.books.begin() as connection:
            rows = await connection.execute(
                text("select state from consents where address = :a order by occurred_at"),
                {"a": self.address},
            )
            return [row.state for row in rows]


@pytest_asyncio.fixture
async def mailbox(hub: RunningHub) -> AsyncIterator[Mailbox]:
    now = datetime.now(UTC)
    address = f"guest-{now.timestamp()}@example.org"
    vault = Vault.of(Path(hub.home), SecretStr(""))
    links = Links(vault.derived("links"), hub.settings.base_url)
    one = Delivery(
        id=new_id(now), key=address, capability="email", input={}, state="sent", created_at=now,
        target=address,
    )  # fmt: skip
    asked = Request(
        id=new_id(now), channel="email", address=address, member_id=None, token_hash=address,
        requested_at=now, expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    books = Database(hub.database_url)
    async with books.begin() as connection:
        await deliveries.plan(connection, [one])
        await opt_ins.save_requests(connection, [asked])
    yield Mailbox(
        address,
        books,
        unsubscribe_url(links, one.id),
        preferences_url(links, one.id),
        confirm_url(links, asked.id),
    )
    await books.aclose()


@pytest_asyncio.fixture(params=["light", "dark"])
async def phone(request: pytest.FixtureRequest, browser: Browser) -> AsyncIterator[Page]:
    """A telephone, by day or by night."""
    context = await browser.new_context(
        viewport={"width": 320, "height": 700}, color_scheme=request.param
    )
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    await context.close()


async def test_confirming_choosing_and_leaving_by_keyboard(phone: Page, mailbox: Mailbox) -> None:
    await phone.goto(mailbox.confirm)
    await phone.get_by_role("button", name="Yes, confirm").press("Enter")
    await expect(phone.get_by_role("status")).to_have_text("Thank you, confirmed")
    await until(mailbox.said, 10)
    await phone.goto(mailbox.preferences)
    await expect(phone.get_by_label("News and offers")).to_be_checked()
    await phone.goto(mailbox.unsubscribe)
    await phone.get_by_role("link", name="Deutsch").press("Enter")
    await phone.get_by_role("button", name="Abbestellen").press("Enter")
    await expect(phone.get_by_role("status")).to_have_text("Du bist abgemeldet")

    async def has_left() -> bool:
        return await mailbox.said() == ["granted", "withdrawn"]

    await until(has_left, 10)


async def test_axe_finds_nothing_and_everything_fits(phone: Page, mailbox: Mailbox) -> None:
    for address in (
        mailbox.unsubscribe,
        mailbox.preferences,
        mailbox.confirm,
        mailbox.unsubscribe + "x",
    ):
        await phone.goto(address)
        found = await Axe().run(phone)
        assert [one["id"] for one in found.response["violations"]] == [], address
        overflow = await phone.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, address
