"""A shop's page with the members' widget, for the demo: served beside the vendors' stand-ins."""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta

import jwt
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from deployments.demo.cast import MAREK, DemoDay
from loyalty.settings import HubSettings
from loyalty.sites import Site
from loyalty.store import rulebook
from loyalty.store.database import Database
from loyalty.store.vault import Vault

SITE = "demo"
PATH = "/shop"
CONNECTION = "shopify/main"

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Aroma House</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<script async src="{script}"></script></head>
<body><main><h1>Aroma House</h1>
<p>A shop's page with one line of the hub in it: the button in the corner.</p>
<p>{who}</p></main></body></html>
"""
_GUEST = """Nobody is signed in with the shop: the widget sends a link by e-mail
(<a href="/smtp/">the mails</a>). <a href="/shop?as=marek">Sign in with the shop as {name}.</a>"""
_SIGNED_IN = """{name} is signed in with the shop, which vouches for it.
<a href="/shop">Sign out of the shop.</a>"""


def shop_page(settings: HubSettings) -> str:
    """The address of the page."""
    return f"http://127.0.0.1:{settings.sandbox_port}{PATH}"


async def open_site(settings: HubSettings, database: Database, *, now: datetime) -> None:
    """Lets the demo's page show the widget; sites that there are stay as they are."""
    site = Site(
        id=SITE,
        name="Aroma House",
        origins=(f"http://127.0.0.1:{settings.sandbox_port}",),
        connection=CONNECTION,
        vouches="signed",
        customer_url=f"{PATH}/customer",
        pages={"shop": PATH, "sign_up": PATH},
        languages=("en", "de", "fr"),
    )
    async with database.begin() as connection:
        programme = await rulebook.programme(connection)
        if any(one.id == SITE for one in programme.sites):
            return
        changed = programme.model_copy(update={"sites": (*programme.sites, site)})
        await rulebook.save_programme(connection, changed, now=now)


def storefront_routes(settings: HubSettings) -> list[Route]:
    """The page, and what the shop's server says of who is signed in."""

    async def page(request: Request) -> Response:
        is_signed_in = "as" in request.query_params
        told = _SIGNED_IN if is_signed_in else _GUEST
        who = told.format(name=html.escape(MAREK.first))
        script = html.escape(f"{settings.base_url}/widget/{SITE}.js")
        answer = HTMLResponse(_PAGE.format(script=script, who=who))
        answer.set_cookie("customer", "marek" if is_signed_in else "", httponly=True)
        return answer

    async def customer(request: Request) -> Response:
        is_signed_in = request.cookies.get("customer") == "marek"
        word = _word(settings, now=datetime.now(UTC)) if is_signed_in else ""
        return PlainTextResponse(word, headers={"cache-control": "no-store"})

    return [Route(PATH, page), Route(f"{PATH}/customer", customer)]


def _word(settings: HubSettings, *, now: datetime) -> str:
    """What a shop's own server signs (docs/widget.md)."""
    vault = Vault.of(settings.root, settings.secret_key)
    secret = vault.derived(Site(id=SITE, name=SITE).secret_purpose).hex()
    customer = str(DemoDay.of(now).number(MAREK.n))
    claims = {"sub": customer, "aud": SITE, "iat": now, "exp": now + timedelta(minutes=5)}
    return jwt.encode(claims, secret, "HS256")
