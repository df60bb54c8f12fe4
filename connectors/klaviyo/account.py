"""A Klaviyo account: one private API key.

https://developers.klaviyo.com/en/docs/authenticate_
"""

from __future__ import annotations

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, Secret

SCOPES = ("accounts:read", "events:write", "profiles:write")


class KlaviyoAccount(Account):
    """What the hub needs to write events and profiles."""

    api_key: Secret = Field(
        description="Private API key (pk_…) with the scopes accounts:read, events:write and "
        "profiles:write, from Settings, API keys."
    )
    base_url: BaseUrl = Field("https://a.klaviyo.com", description="Address of the API.")
