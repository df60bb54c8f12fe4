"""The WooCommerce account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.woocommerce.account import WooCommerceAccount


class WooCommerceCredentials(WooCommerceAccount, CredentialsBlock):
    """A WooCommerce shop whose customers, orders and refunds come in, and which issues coupons."""

    _block_type_name = "WooCommerce Credentials"
    _block_type_slug = "woocommerce-credentials"
    _connector = "woocommerce"
    _documentation_url = HttpUrl("https://woocommerce.com/document/woocommerce-rest-api/")
    _description = "A WooCommerce shop: its address, REST API key and webhook secret."
    _code_example = """
    from connectors.woocommerce.credentials import WooCommerceCredentials

    shop = WooCommerceCredentials.load("main")
    print(await shop.check())
    """
