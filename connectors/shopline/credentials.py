"""The SHOPLINE account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.shopline.account import ShoplineAccount


class ShoplineCredentials(ShoplineAccount, CredentialsBlock):
    """A SHOPLINE shop whose customers, orders and refunds come in as webhooks."""

    _block_type_name = "SHOPLINE Credentials"
    _block_type_slug = "shopline-credentials"
    _connector = "shopline"
    _documentation_url = HttpUrl(
        "https://developer.shopline.com/docs/apps/api-instructions-for-use/app-authorization"
    )
    _description = "A SHOPLINE shop: its domain, the app's access token and secret."
    _code_example = """
    from connectors.shopline.credentials import ShoplineCredentials

    shop = ShoplineCredentials.load("main")
    print(await shop.check())
    """
