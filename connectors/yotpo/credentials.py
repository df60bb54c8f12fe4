"""The Yotpo Loyalty account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.yotpo.account import YotpoAccount


class YotpoCredentials(YotpoAccount, CredentialsBlock):
    """A Yotpo Loyalty programme whose customers, points and redemptions the hub follows."""

    _block_type_name = "Yotpo Loyalty Credentials"
    _block_type_slug = "yotpo-credentials"
    _connector = "yotpo"
    _documentation_url = HttpUrl("https://loyaltyapi.yotpo.com/reference/authentication")
    _description = "A Yotpo Loyalty programme: its GUID, API key and the webhook's token."
    _code_example = """
    from connectors.yotpo.credentials import YotpoCredentials

    programme = YotpoCredentials.load("main")
    print(await programme.check())
    """
