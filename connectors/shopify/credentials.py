"""The Shopify account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.shopify.account import ShopifyAccount


class ShopifyCredentials(ShopifyAccount, CredentialsBlock):
    """A Shopify shop whose customers, orders and refunds come in as webhooks."""

    _block_type_name = "Shopify Credentials"
    _block_type_slug = "shopify-credentials"
    _connector = "shopify"
    _documentation_url = HttpUrl(
        "https://shopify.dev/docs/apps/build/authentication-authorization"
        "/access-tokens/generate-app-access-tokens-admin"
    )
    _description = "A Shopify shop: its domain, the app's access token and client secret."
    _code_example = """
    from connectors.shopify.credentials import ShopifyCredentials

    shop = ShopifyCredentials.load("main")
    print(await shop.check())
    """
