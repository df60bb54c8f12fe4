"""A HubSpot account: the access token of a private app.

https://developers.hubspot.com/docs/guides/apps/private-apps/overview
"""

from __future__ import annotations

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, Secret

SCOPES = ("crm.objects.contacts.read", "crm.objects.contacts.write")


class HubSpotAccount(Account):
    """What the hub needs to write contacts."""

    access_token: Secret = Field(
        description="Access token (pat-…) of a private app with the scopes "
        "crm.objects.contacts.read and crm.objects.contacts.write."
    )
    base_url: BaseUrl = Field("https://api.hubapi.com", description="Address of the API.")
