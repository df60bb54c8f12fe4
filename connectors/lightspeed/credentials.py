"""The Lightspeed Retail account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.lightspeed.account import LightspeedAccount


class LightspeedCredentials(LightspeedAccount, CredentialsBlock):
    """A retailer at Lightspeed Retail (X-Series)."""

    _block_type_name = "Lightspeed Retail Credentials"
    _block_type_slug = "lightspeed-credentials"
    _connector = "lightspeed"
    _documentation_url = HttpUrl("https://x-series-api.lightspeedhq.com/docs/authorization")
    _description = "A Lightspeed Retail (X-Series) store: its address, and a token or an add-on."
    _code_example = """
    from connectors.lightspeed.credentials import LightspeedCredentials

    store = LightspeedCredentials.load("main")
    print(await store.check())
    """
