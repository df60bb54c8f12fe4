"""Shops that vouch for their customers, each in its own form; what is altered proves nothing."""

from __future__ import annotations

import hmac
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
import pytest

from connectors.bigcommerce.sandbox import BigCommerceSandbox
from connectors.kit import registry
from connectors.shopify.sandbox import ShopifySandbox
from gateway.widget.vouching import secret_of
from tests.widget.conftest import ADA, SITE, Shop, programme, site

SHOP = "aroma-house.myshopify.com"


@pytest.fixture(autouse=True)
def real_connectors(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway's tests know a till alone; here the shops' own accounts are read."""
    monkeypatch.setattr(shop.house.table, "_manifests", registry.manifest)


def signed(shop: Shop, **changes: Any) -> str:
    """The hub's own form, as a shop's server makes it."""
    at = int(shop.now.timestamp())
    claims = {"sub": "c1", "aud": SITE, "iat": at, "exp": at + 300, **changes}
    secret = secret_of(shop.gateway.vault, shop.desk.programme.sites[0])
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, secret, "HS256")


async def show(shop: Shop, token: str) -> httpx.Response:
    """Shows the shop's word to the hub."""
    return await shop.post("session", {"token": token})


async def me(shop: Shop, answer: httpx.Response) -> dict[str, Any]:
    """Who is signed in after an answer."""
    headers = {"authorization": f"Bearer {answer.json()['token']}"}
    found: dict[str, Any] = (await shop.ask("me", headers=headers)).json()
    return found


async def test_a_customer_of_the_shop_is_signed_in_by_its_word(shop: Shop) -> None:
    await shop.save(programme(site(vouches="signed")))
    await shop.enrol()
    found = await me(shop, await show(shop, signed(shop)))
    assert (found["state"], found["name"]) == ("member", "Ada")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "mugs"},
        {"exp": 1},
        {"sub": None},
        {"exp": None},
        {"iat": 99999999999, "exp": 99999999999},
        {"role": "admin"},
    ],
    ids=str,
)
async def test_a_word_with_something_wrong_proves_nothing(
    shop: Shop, changes: dict[str, Any]
) -> None:
    await shop.save(programme(site(vouches="signed")))
    await shop.enrol()
    answer = await show(shop, signed(shop, **changes))
    assert answer.status_code == 403
    assert await shop.rows("select 1 from member_sessions") == []


async def test_a_word_for_longer_than_a_quarter_of_an_hour_is_refused(shop: Shop) -> None:
    await shop.save(programme(site(vouches="signed")))
    at = int(shop.now.timestamp())
    assert (await show(shop, signed(shop, exp=at + 3600))).status_code == 403


async def test_unsigned_altered_and_old_words_prove_nothing(shop: Shop) -> None:
    await shop.save(programme(site(vouches="signed")))
    good = signed(shop)
    head, body, proof = good.split(".")
    none = jwt.encode({"sub": "c1", "aud": SITE, "iat": 1, "exp": 2}, None, "none")
    for bad in (
        none,
        f"{head}.{body}.",
        f"{head}.{body}.{proof[::-1]}",
        "x",
        "",
        "a.b.c",
        "x" * 5000,
    ):
        assert (await show(shop, bad)).status_code in (403, 422), bad[:40]
    await shop.save(programme(site(vouches="signed", secret_version=2)))
    assert (await show(shop, good)).status_code == 403


async def test_an_address_that_nobody_confirmed_opens_nobodys_account(shop: Shop) -> None:
    await shop.save(programme(site(vouches="signed")))
    await shop.enrol()
    token = signed(shop, sub="stranger", email=ADA)
    answer = await show(shop, token)
    assert (await me(shop, answer))["state"] == "stranger"
    async with shop.working():
        headers = {"authorization": f"Bearer {answer.json()['token']}"}
        joined = await shop.post("join", {}, headers=headers)
    assert joined.json()["state"] == "done"
    assert (await me(shop, answer))["name"] == ""
    assert len(await shop.rows("select 1 from members")) == 2


async def test_bigcommerce_vouches_by_its_own_jwt(shop: Shop) -> None:
    sandbox = BigCommerceSandbox()
    fields = sandbox.account_at("http://127.0.0.1:1")
    await shop.gateway.add("main", vendor="bigcommerce", content=fields)
    await shop.save(
        programme(site(connection="bigcommerce/main", vouches="bigcommerce", audience="app-1"))
    )
    at = int(shop.now.timestamp())
    claims = {
        "customer": {"id": 4927, "email": "john@example.com", "group_id": "6"},
        "iss": "bc/apps",
        "sub": fields["store_hash"],
        "iat": at,
        "exp": at + 900,
        "version": 1,
        "aud": "app-1",
        "application_id": "app-1",
        "store_hash": fields["store_hash"],
        "operation": "current_customer",
    }
    answer = await show(shop, jwt.encode(claims, fields["client_secret"], "HS256"))
    assert (await me(shop, answer))["state"] == "stranger"
    [row] = await shop.rows("select store, kind, value from member_sessions")
    assert tuple(row) == ("bigcommerce/main", "customer", "4927")
    for changed in ({"sub": "other"}, {"aud": "app-2"}, {"operation": "x"}, {"customer": {}}):
        bad = jwt.encode({**claims, **changed}, fields["client_secret"], "HS256")
        assert (await show(shop, bad)).status_code == 403, changed


async def test_shopify_vouches_by_its_app_proxy(shop: Shop) -> None:
    fields = {**ShopifySandbox().account_at("http://127.0.0.1:1"), "shop_domain": SHOP}
    await shop.gateway.add("main", vendor="shopify", content=fields)
    await shop.save(programme(site(vouches="shopify")))
    await shop.enrol()
    word = await proxied(shop, fields["client_secret"], logged_in_customer_id="c1")
    found = await me(shop, await show(shop, word.text))
    assert found["name"] == "Ada"
    nobody = await proxied(shop, fields["client_secret"], logged_in_customer_id="")
    assert (nobody.status_code, nobody.text) == (200, "")
    old = int((shop.now - timedelta(minutes=10)).timestamp())
    for bad in ({"key": "wrong"}, {"shop": "evil.myshopify.com"}, {"timestamp": str(old)}):
        key = bad.pop("key", fields["client_secret"])
        assert (await proxied(shop, key, logged_in_customer_id="c1", **bad)).status_code == 403
    shop.gateway.clock.fixed = shop.now + timedelta(minutes=10)
    assert (await show(shop, word.text)).status_code == 403


async def proxied(hub: Shop, secret: str, **changes: str) -> httpx.Response:
    """A request as Shopify forwards it (documented example: sorted, joined without a sign)."""
    query = {
        "shop": SHOP,
        "path_prefix": "/apps/loyalty",
        "timestamp": str(int(hub.now.timestamp())),
        **changes,
    }
    plain = "".join(sorted(f"{name}={value}" for name, value in query.items()))
    query["signature"] = hmac.new(secret.encode(), plain.encode(), sha256).hexdigest()
    return await hub.client.get(f"/widget/vouch/{SITE}/shopify?{urlencode(query)}")


async def test_a_site_whose_shop_vouches_for_nobody_takes_no_word(shop: Shop) -> None:
    assert (await show(shop, signed(shop))).status_code == 403
