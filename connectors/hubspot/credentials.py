"""The HubSpot account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.hubspot.account import HubSpotAccount
from connectors.kit.credentials import CredentialsBlock


class HubSpotCredentials(HubSpotAccount, CredentialsBlock):
    """Connects one HubSpot account to the hub."""

    _block_type_name = "HubSpot Credentials"
    _block_type_slug = "hubspot-credentials"
    _connector = "hubspot"
    _documentation_url = HttpUrl(
        "https://developers.hubspot.com/docs/guides/apps/private-apps/overview"
    )
    _description = "Access token of a private app of one HubSpot account."
    _code_example = """```python
from connectors.hubspot.credentials import HubSpotCredentials

block = await HubSpotCredentials.aload("main")
print(await block.check())
```"""
