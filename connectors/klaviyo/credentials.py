"""The Klaviyo account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.klaviyo.account import KlaviyoAccount


class KlaviyoCredentials(KlaviyoAccount, CredentialsBlock):
    """Connects one Klaviyo account to the hub."""

    _block_type_name = "Klaviyo Credentials"
    _block_type_slug = "klaviyo-credentials"
    _connector = "klaviyo"
    _documentation_url = HttpUrl("https://developers.klaviyo.com/en/docs/authenticate_")
    _description = "Private API key of one Klaviyo account."
    _code_example = """```python
from connectors.klaviyo.credentials import KlaviyoCredentials

block = await KlaviyoCredentials.aload("main")
print(await block.check())
```"""
