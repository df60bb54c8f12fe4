"""Gift codes in the console: a file with bad rows is uploaded, and codes are made and printed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from loyalty.store import rulebook
from loyalty.store.database import Database
from tests.browser.accessible import barriers, follow

pytestmark = pytest.mark.browser


@pytest_asyncio.fixture
async def redeem_page(books: Database) -> AsyncIterator[None]:
    """The programme names a page that QR codes open; as it was, afterwards."""
    async with books.begin() as connection:
        before = await rulebook.programme(connection)
        policy = before.gift_codes.model_copy(update={"redeem_url": "https://shop.example/club"})
        changed = before.model_copy(update={"gift_codes": policy})
        await rulebook.save_programme(connection, changed, now=datetime.now(UTC))
    yield
    async with books.begin() as connection:
        await rulebook.save_programme(connection, before, now=datetime.now(UTC))


async def downloaded(console: Page, link: str) -> tuple[str, bytes]:
    """The name and the bytes of what a link gives to save."""
    async with console.expect_download() as waiting:
        await console.get_by_role("link", name=link, exact=True).click()
    download = await waiting.value
    return download.suggested_filename, Path(await download.path()).read_bytes()


async def test_a_file_with_bad_rows_is_worked_off_and_its_report_is_saved(console: Page) -> None:
    mark = uuid4().hex[:6].upper()
    content = f"code,points\n{mark}-1,30\n=2+3,30\n{mark}-2,30\n{mark}-3,much\n"
    await follow(console, "Gift codes", to="Gift codes")
    await follow(console, "Upload codes", to="Upload gift codes")
    await console.get_by_label("File", exact=True).set_input_files(
        {"name": "parcels.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    await console.get_by_label("Name of the batch").fill(f"Parcels {mark}")
    await console.get_by_role("button", name="Upload").click()
    await expect(console.get_by_role("status")).to_contain_text("it is worked off")

    # The page looks again by itself until the worker has done it.
    facts = console.locator("dl.facts")
    await expect(facts).to_contain_text("done")
    await expect(facts.locator("dd").nth(1)).to_have_text("2")
    bad = console.get_by_role("row").filter(has_text="the points are 'much'")
    await expect(bad.get_by_role("cell").first).to_have_text("5")
    assert await barriers(console) == []
    name, report = await downloaded(console, "Download the report")
    assert name.endswith(".csv")
    lines = report.decode("utf-8-sig").splitlines()
    assert [line.partition(",")[0] for line in lines] == ["row", "3", "5"]

    await console.get_by_role("link", name="The batch", exact=True).click()
    await expect(console.get_by_role("heading", level=1)).to_have_text(f"Parcels {mark}")
    _, codes = await downloaded(console, "All codes as CSV")
    assert {f"{mark}-1", f"{mark}-2"} == {
        line.partition(",")[0] for line in codes.decode("utf-8-sig").splitlines()[1:]
    }


async def test_codes_are_made_and_their_cards_saved_as_a_pdf(
    console: Page, redeem_page: None
) -> None:
    mark = uuid4().hex[:6].upper()
    await follow(console, "Gift codes", to="Gift codes")
    await follow(console, "Make codes to print", to="Make codes to print")
    await console.get_by_label("Name of the batch").fill(f"Fair {mark}")
    await console.get_by_label("How many codes").fill("1000")
    await console.get_by_label("Points of one code").fill("50")
    await console.get_by_label("Characters behind the prefix").fill("6")
    await console.get_by_role("button", name="Make codes").click()
    await expect(console.get_by_role("alert")).to_contain_text("too easy to guess")
    assert await barriers(console) == []
    await console.get_by_label("How many codes").fill("30")
    await console.get_by_label("Characters behind the prefix").fill("12")
    await console.get_by_role("button", name="Make codes").click()
    await expect(console.get_by_role("status")).to_contain_text("The codes are being made")

    await expect(console.get_by_role("link", name="Sheet 1", exact=True)).to_be_visible()
    assert await barriers(console) == []
    name, sheet = await downloaded(console, "Sheet 1")
    assert (name, sheet[:5]) == (f"Fair-{mark}-1.pdf", b"%PDF-")
    await expect(console.get_by_role("button", name="Withdraw 30 unused codes")).to_be_visible()
