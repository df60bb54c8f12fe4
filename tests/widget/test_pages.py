"""The script, the panel and the portal: small, framed by nobody else, harmed by no name."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.widget.pages import FILES
from gateway.widget.wording import shipped
from loyalty.sites import Site
from tests.widget.conftest import Shop, programme, site

BUDGET = 40_000
"""Bytes of script, page, style and words of one language together, uncompressed."""


async def test_everything_together_is_below_forty_kilobytes(shop: Shop) -> None:
    for language in ("en", "de", "fr"):
        page = await shop.client.get("/widget/tea/", params={"lang": language})
        script = await shop.client.get("/widget/tea.js")
        sizes = [len(page.content), len(script.content)]
        sizes += [len(FILES[name]) for name in ("app.js", "app.css")]
        assert sum(sizes) < BUDGET, sizes


async def test_only_the_sites_own_pages_may_frame_the_panel(shop: Shop) -> None:
    await shop.save(programme(site(origins=["https://tea.example", "https://www.tea.example"])))
    panel = (await shop.client.get("/widget/tea/")).headers["content-security-policy"]
    assert "frame-ancestors https://tea.example https://www.tea.example;" in panel
    portal = (await shop.client.get("/portal/tea")).headers["content-security-policy"]
    assert "frame-ancestors 'none'" in portal


@pytest.mark.parametrize("path", ["/widget/tea/", "/portal/tea", "/s/nonsense"])
async def test_no_page_allows_scripts_of_anybody_else(shop: Shop, path: str) -> None:
    answer = await shop.client.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    for script in re.findall(r"<script([^>]*)>", answer.text):
        assert "src=" in script or 'type="application/json"' in script
    assert not re.search(r"<[^>]*\son\w+=", answer.text)


NASTY = "</script><img src=x onerror=alert(1)>\u2028\u202e"


async def test_no_name_ends_the_settings_and_becomes_markup(shop: Shop) -> None:
    texts = {"en": {"open": NASTY, "sign_in_lead": NASTY}}
    await shop.save(programme(site(name=NASTY, texts=texts)))
    for path in ("/widget/tea/", "/portal/tea"):
        page = (await shop.client.get(path)).text
        assert "<img" not in page
        settings = re.search(r'id="settings">(.*?)</script>', page, flags=re.S)
        assert settings is not None
        assert json.loads(settings[1])["name"] == NASTY
    script = (await shop.client.get("/widget/tea.js")).text
    assert "</script>" not in script
    assert "\u2028" not in script


async def test_files_are_for_good_under_their_version(shop: Shop) -> None:
    page = (await shop.client.get("/portal/tea")).text
    address = re.findall(r'"(/widget/files/[^"]+)"', page)
    assert len(address) == 2
    for one in address:
        answer = await shop.client.get(one)
        assert "immutable" in answer.headers["cache-control"]
    old = await shop.client.get("/widget/files/app.js?v=old")
    assert old.headers["cache-control"] == "no-cache"


async def test_the_script_says_nothing_new_the_second_time(shop: Shop) -> None:
    first = await shop.client.get("/widget/tea.js")
    again = await shop.client.get(
        "/widget/tea.js", headers={"if-none-match": first.headers["etag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize("language", ["de", "fr"])
def test_every_text_is_there_in_every_language_with_the_same_values(language: str) -> None:
    english, other = shipped("en"), shipped(language)
    assert set(other) == set(english)
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", other[key])) == set(re.findall(r"\{\w+\}", text)), key


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"brand": "#ffffff", "ink": "#eeeeee"}, "contrast"),
        ({"brand": "red"}, "pattern"),
        ({"origins": ["https://tea.example/path"]}, "no origin"),
        ({"origins": ["http://tea.example"]}, "not encrypted"),
        ({"origins": ["https://tea.example; script-src *"]}, "no origin"),
        ({"pages": {"shop": "javascript:alert(1)"}}, "neither"),
        ({"pages": {"shop": "//evil.example"}}, "neither"),
        ({"pages": {"shop": "/\\evil.example"}}, "backslashes"),
        ({"use_url": "data:text/html,{code}"}, "neither"),
        ({"id": "api"}, "hub's own"),
        ({"id": "Tea House"}, "pattern"),
        ({"languages": ["de", "<b>"]}, "language tag"),
        ({"vouches": "signed", "connection": ""}, "connection"),
        ({"vouches": "bigcommerce"}, "cannot vouch"),
        ({"vouches": "bigcommerce", "connection": "bigcommerce/main"}, "client id"),
    ],
    ids=str,
)
def test_settings_that_would_do_harm_are_refused_in_words(
    changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        Site.model_validate(site(**changes))


def test_two_sites_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="two sites"):
        programme(site(), site())
