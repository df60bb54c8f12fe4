"""The demo's shop page: one line of the hub in it, and a word that the hub takes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx
from pydantic import SecretStr
from starlette.applications import Starlette

from deployments.demo.storefront import SITE, open_site, storefront_routes
from gateway.widget.vouching import by_own_form, secret_of
from loyalty.settings import HubSettings
from loyalty.store import rulebook
from loyalty.store.database import Database
from loyalty.store.vault import Vault


async def test_the_page_shows_the_widget_and_the_shop_vouches(
    database: Database, tmp_path: Path
) -> None:
    settings = HubSettings(home=tmp_path, secret_key=SecretStr(""))
    now = datetime.now(UTC)
    for _ in range(2):
        await open_site(settings, database, now=now)
    async with database.begin() as connection:
        [site] = (await rulebook.programme(connection)).sites
    transport = httpx.ASGITransport(Starlette(routes=storefront_routes(settings)))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        assert f"/widget/{SITE}.js" in (await client.get("/shop")).text
        assert (await client.get("/shop/customer")).text == ""
        assert "Marek is signed in" in (await client.get("/shop?as=marek")).text
        word = (await client.get("/shop/customer")).text
    secret = secret_of(Vault.of(settings.root, settings.secret_key), site)
    person = by_own_form(site, word, secret, now=datetime.now(UTC))
    assert person.identity[:2] == ("shopify/main", "customer")
