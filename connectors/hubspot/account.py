"""A HubSpot account: the access token of a private app.

https://developers.hubspot.com/docs/guides/apps/private-apps/overview
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret, Secret

SCOPES = (
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "analytics.behavioral_events.send",
    "forms",
)


class HubSpotAccount(Account):
    """What the hub needs to write contacts, events and forms, and to hear of contacts."""

    access_token: Secret = Field(
        description="Access token (pat-…) of a private app with the scopes that the README names."
    )
    client_secret: OptionalSecret = Field(
        None,
        description="Client secret of the same app, from its tab Auth: it signs the webhooks. "
        "Without it there are none, and the hub asks every 15 minutes.",
    )
    portal_id: Annotated[str, Field(pattern=r"^\d{0,15}$")] = Field(
        "", description="HubSpot's number of the account (Hub ID); needed for forms only."
    )
    event_prefix: Annotated[str, Field(pattern=r"^(pe\d{1,15}_)?$")] = Field(
        "",
        description="What the internal names of custom events begin with (pe12345_), from Data "
        "management, Custom events; needed for events only.",
    )
    base_url: BaseUrl = Field("https://api.hubapi.com", description="Address of the API.")
    forms_url: BaseUrl = Field(
        "https://api.hsforms.com",
        description="Address that takes forms; https://api-eu1.hsforms.com for accounts in the EU.",
    )
