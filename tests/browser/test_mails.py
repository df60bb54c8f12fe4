"""The shipped e-mails in a real browser, as wide as a phone, on bright and on dark screens."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from loyalty.letterhead import Letterhead
from loyalty.programme import Programme
from rules.shipped import shipped_rules, shipped_templates
from rules.text_checks import texts_of
from rules.text_samples import sample_of

PHONE = 360
GROUND = "getComputedStyle(document.querySelector('.page')).backgroundColor"
PROGRAMME = Programme(
    name="Tea Club",
    letterhead=Letterhead(
        postal_address="1 Tea Street, Dublin", support="help@tea.example",
        website="https://tea.example",
    ),
)  # fmt: skip
OF_PAGES = {
    name: {"enabled": False} for name in ("landmark-one-main", "region", "page-has-heading-one")
}
"""A mail is shown inside of a page, whose landmarks these are about."""


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_mail_fits_a_phone_and_axe_finds_nothing(
    browser: Browser, scheme: Literal["light", "dark"]
) -> None:
    texts = texts_of(shipped_templates())
    context = await browser.new_context(
        color_scheme=scheme, viewport={"width": PHONE, "height": 640}
    )
    page = await context.new_page()
    seen = 0
    for source in texts.sources():
        if source.channel != "email" or source.locale != "de":
            continue
        sample = sample_of(source.name, "email", shipped_rules(), programme=PROGRAMME)
        assert sample is not None
        mail = texts.render(source.name, "email", sample, locale=source.locale)
        await page.set_content(mail["html"])
        found = await Axe().run(page, options={"rules": OF_PAGES})
        assert found.violations_count == 0, f"{source.name}: {found.generate_report()}"
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE, source.name
        ground = await page.evaluate(GROUND)
        assert (ground == "rgb(22, 22, 24)") == (scheme == "dark")
        seen += 1
    await context.close()
    assert seen >= 11
