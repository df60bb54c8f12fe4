"""The widget in a real browser, in a page of another site that allows it no more than it needs."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, FrameLocator, Page, expect

from gateway.widget.vouching import secret_of
from loyalty.sites import Site
from loyalty.store import rulebook
from loyalty.store.database import Database
from tests.browser.storefront import Storefront, storefront
from tests.flows.gift_codes.counter import made
from tests.running_hub import RunningHub, until
from tests.widget.conftest import (
    ADA,
    Shop,
    add_reward,
    adjustment,
    opened,
    order,
    programme,
    site,
)

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


async def test_no_formatter_is_made_before_a_number_has_to_be_written(visit: Visit) -> None:
    counting = """(() => { const Format = Intl.NumberFormat; window.formatters = 0;
      Intl.NumberFormat = function (...given) { formatters += 1; return new Format(...given); };
    })()"""
    await visit.page.context.add_init_script(counting)
    await visit.open()
    await expect(visit.panel.get_by_text("1 point for each €1.00 spent")).to_be_visible()
    assert await visit.page.main_frame.child_frames[0].evaluate("formatters") == 0
    await visit.shop.enrol()
    await visit.sign_in()
    await visit.tab("My balance")
    await expect(visit.panel.get_by_text("50 points", exact=True)).to_be_visible()
    assert await visit.page.main_frame.child_frames[0].evaluate("formatters") > 0


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


async def test_it_is_worked_by_the_keyboard_alone(visit: Visit) -> None:
    await visit.page.goto(visit.front.origin)
    await expect(visit.button).to_be_visible()
    await visit.page.keyboard.press("Tab")
    await visit.page.keyboard.press("Tab")
    await visit.page.keyboard.press("Tab")
    await expect(visit.button).to_be_focused()
    await visit.page.keyboard.press("Enter")
    await visit.shown()
    frame = next(one for one in visit.page.frames if "/widget/" in one.url)
    await expect(visit.panel.get_by_role("heading", level=1)).to_be_focused()
    seen = set()
    for _ in range(40):
        await visit.page.keyboard.press("Tab")
        assert await visit.page.evaluate("document.activeElement.id") == "loyalty-hub-tea"
        seen.add(await frame.evaluate("document.activeElement.outerHTML.slice(0, 60)"))
    assert len(seen) >= 5, "the focus goes round in the panel"
    await visit.panel.get_by_role("tab", name="Earn points").focus()
    await visit.page.keyboard.press("End")
    await expect(visit.panel.get_by_role("tab", name="My balance")).to_be_focused()
    await visit.page.keyboard.press("Escape")
    await expect(visit.page.get_by_role("dialog")).to_be_hidden()
    await expect(visit.button).to_be_focused()


async def test_it_fits_a_telephone_of_320_pixels(visit: Visit) -> None:
    await visit.shop.enrol(first_name="Annabella-Maximiliane-Konstanze-Theodora")
    await visit.shop.tell(adjustment("a1", 5, "x" * 200))
    await visit.page.set_viewport_size({"width": 320, "height": 568})
    await visit.open()
    await visit.sign_in()
    await visit.page.set_viewport_size({"width": 320, "height": 568})
    frame = next(one for one in visit.page.frames if "/widget/" in one.url)
    for name in await visit.panel.get_by_role("tab").all_inner_texts():
        await visit.tab(name)
        wide = await frame.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, name
        small = await frame.evaluate(
            "[...document.querySelectorAll('button, a, input')].filter(one => {"
            " const box = one.getBoundingClientRect();"
            " return box.height && box.height < 43.5 }).map(one => one.outerHTML)"
        )
        assert small == [], name


NASTY = '<img src=x onerror="document.title=1"> \u202eevil & "co"'


async def test_names_that_are_markup_stay_text(visit: Visit) -> None:
    plain = visit.shop.desk.programme.sites[0]
    named = plain.model_copy(update={"name": NASTY, "texts": {"en": {"sign_in_lead": NASTY}}})
    await visit.shop.save(visit.shop.desk.programme.model_copy(update={"sites": (named,)}))
    await visit.shop.enrol(first_name=NASTY)
    await visit.shop.tell(adjustment("a1", 5, NASTY))
    await visit.open()
    await expect(visit.panel.get_by_text(NASTY)).to_have_count(2)
    await visit.sign_in()
    await visit.tab("My balance")
    await expect(visit.panel.get_by_text(f"Adjusted by our team: {NASTY}")).to_be_visible()
    await expect(visit.panel.get_by_text(f"Hello {NASTY}")).to_be_visible()
    assert await visit.panel.locator("img").count() == 0
    assert await visit.page.title() == "Tea"


async def test_the_shops_own_word_signs_in_without_a_mail(visit: Visit) -> None:
    settings = site(origins=[visit.front.origin], vouches="signed", customer_url="/customer")
    await visit.shop.save(programme(settings))
    await visit.shop.enrol()
    at = int(visit.shop.now.timestamp())
    secret = secret_of(visit.shop.gateway.vault, visit.shop.desk.programme.sites[0])
    claims = {"sub": "c1", "aud": "tea", "iat": at, "exp": at + 300}
    visit.front.customer = jwt.encode(claims, secret, "HS256")
    await visit.open()
    await expect(visit.panel.get_by_text("Hello Ada")).to_be_visible()


async def test_a_page_that_is_not_the_shops_cannot_frame_it(visit: Visit) -> None:
    await visit.shop.save(programme(site(origins=["https://tea.example"])))
    await visit.page.goto(visit.front.origin)
    await visit.button.click()
    await visit.page.wait_for_timeout(500)
    assert await visit.panel.locator("#app").count() == 0
    assert any("frame-ancestors" in one for one in visit.problems)
    visit.problems.clear()


async def test_a_gift_code_from_a_parcel_is_redeemed_on_the_portal(visit: Visit) -> None:
    await visit.shop.enrol()
    await made(visit.shop.desk, "SPRING24", points=30)
    page = visit.page
    await page.goto(visit.hub + "/portal/tea")
    await page.get_by_label("E-mail address").fill(ADA)
    await page.get_by_role("button", name="Send me the link").click()
    await expect(page.get_by_role("status")).to_contain_text("on its way")
    await page.goto(visit.hub + await visit.shop.last_link())
    await page.get_by_role("button", name="Sign in").click()
    await page.goto(visit.hub + "/portal/tea#gift=spring%2024")
    await expect(page.get_by_label("Your code")).to_have_value("spring 24")
    assert "gift" not in page.url
    await page.get_by_role("button", name="Redeem code").click()
    await expect(page.get_by_role("status")).to_have_text("The code is redeemed.")
    await expect(page.get_by_text("80 points")).to_be_visible()
    assert await flaws(page) == []


async def test_points_are_redeemed_for_a_reward(visit: Visit) -> None:
    await add_reward(visit.shop)
    await visit.shop.enrol()
    await visit.open()
    await visit.sign_in()
    await visit.tab("Redeem points")
    await visit.panel.get_by_role("button", name="Redeem Mug").click()
    await expect(visit.panel.get_by_text("Spend 40 points on Mug?")).to_be_visible()
    assert await flaws(visit.page) == []
    await visit.panel.get_by_role("button", name="Redeem", exact=True).click()
    await expect(visit.panel.get_by_role("status")).to_contain_text("My rewards")
    await visit.tab("My rewards")
    await expect(visit.panel.get_by_role("heading", name="Mug")).to_be_visible()
    assert await flaws(visit.page) == []


@pytest.mark.parametrize(("language", "direction"), [("de", "ltr"), ("fr", "ltr"), ("ar", "rtl")])
async def test_it_speaks_the_pages_language_in_its_direction(
    visit: Visit, language: str, direction: str
) -> None:
    texts = {"ar": {"tab_earn": "اكسب النقاط", "open": "المكافآت"}}
    settings = site(origins=[visit.front.origin], languages=["en", "de", "fr", "ar"], texts=texts)
    await visit.shop.save(programme(settings))
    visit.front.lang = language
    words = {"de": "Prämien", "fr": "Récompenses", "ar": "المكافآت"}
    await visit.page.goto(visit.front.origin)
    await visit.page.get_by_role("button", name=words[language]).click()
    await visit.shown()
    html = visit.panel.locator("html")
    await expect(html).to_have_attribute("lang", language)
    await expect(html).to_have_attribute("dir", direction)
    assert await flaws(visit.page) == []


async def test_the_mail_of_a_running_hub_signs_in(browser: Browser, hub: RunningHub) -> None:
    """Gateway, worker, gate and mail server are processes of their own here, as in life."""
    database = Database(hub.database_url)
    front = f"http://127.0.0.1:{hub.settings.sandbox_port}"
    email = "widget.visitor@example.com"
    async with database.begin() as connection:
        before = await rulebook.programme(connection)
        routes = {**before.routes, "email": ("smtp/main",)}
        home = Site(id="running", name="Running House", origins=(front,))
        changed = before.model_copy(update={"sites": (home,), "routes": routes})
        await rulebook.save_programme(connection, changed, now=datetime.now(UTC))
    page = await browser.new_page(locale="en-GB")
    try:
        await page.goto(f"{hub.settings.base_url}/portal/running")
        await page.get_by_label("E-mail address").fill(email)
        await page.get_by_role("button", name="Send me the link").click()
        await expect(page.get_by_role("status")).to_contain_text("on its way")
        await page.goto(await until(lambda: mailed_link(front, email), 30))
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("link", name="See my rewards").click()
        await page.get_by_role("button", name="Join now").click()
        await expect(page.get_by_role("status")).to_contain_text("Welcome")
    finally:
        await page.close()
        async with database.begin() as connection:
            await rulebook.save_programme(connection, before, now=datetime.now(UTC))
        await database.aclose()


async def mailed_link(sandboxes: str, email: str) -> str:
    """The link in the mail that arrived at an address; empty before it has."""
    async with httpx.AsyncClient(base_url=sandboxes) as client:
        records = (await client.get("/smtp/_sandbox/records")).json()
    mail = next((one for one in reversed(records["records"]) if email in str(one)), None)
    found = re.search(r"http://[^\s\"'<>\\]+/s/[\w.-]+", str(mail)) if mail else None
    return found[0] if found else ""


async def test_the_portal_leads_on_to_links_of_the_hub_alone(visit: Visit) -> None:
    await visit.shop.enrol()
    token = await visit.shop.token()
    cookie = {"name": "hub_member", "value": token, "url": visit.hub}
    await visit.page.context.add_cookies([cookie])  # type: ignore[list-item]
    for page, leads in (("/r/abc.DEF-1", True), ("//evil.example", False), ("/s/x", False)):
        await visit.page.goto(f"{visit.hub}/portal/tea?carries={page}")
        await expect(visit.page.get_by_text("Hello Ada")).to_be_visible()
        link = visit.page.get_by_role("link", name="Continue")
        await expect(link).to_have_count(1 if leads else 0)
        if leads:
            await expect(link).to_have_attribute("href", page)
