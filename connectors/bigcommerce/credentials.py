"""The BigCommerce account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.bigcommerce.account import BigCommerceAccount
from connectors.kit.credentials import CredentialsBlock


class BigCommerceCredentials(BigCommerceAccount, CredentialsBlock):
    """A BigCommerce store."""

    _block_type_name = "BigCommerce Credentials"
    _block_type_slug = "bigcommerce-credentials"
    _connector = "bigcommerce"
    _documentation_url = HttpUrl(
        "https://developer.bigcommerce.com/docs/start/authentication/api-accounts"
    )
    _description = "A BigCommerce store: its hash, the API account's token and client secret."
    _code_example = """
    from connectors.bigcommerce.credentials import BigCommerceCredentials

    store = BigCommerceCredentials.load("main")
    print(await store.check())
    """
