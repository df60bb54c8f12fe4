"""An ActiveCampaign account, its API key, and the word that its webhooks prove themselves by.

Follows https://developers.activecampaign.com/reference/authentication.
"""

from __future__ import annotations

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret, Secret


class ActiveCampaignAccount(Account):
    """One account. Webhooks are not signed: a secret word in their address stands for it."""

    base_url: BaseUrl = Field(
        description="API URL of the account, such as https://aroma.api-us1.com "
        "(Settings, Developer)."
    )
    api_token: Secret = Field(description="API key of a user who may manage contacts and lists.")
    hook_token: Secret = Field(
        description="A long random word of your own: it stands in the webhooks' address, "
        "since ActiveCampaign signs nothing."
    )
    list_id: str = Field(
        "",
        description="Number of the list whose standing counts as the consent to e-mails; "
        "new subscriptions go there.",
        pattern=r"^\d{0,18}$",
    )
    member_field: str = Field(
        "",
        description="Personalisation tag of the field that holds the hub's member id.",
        pattern=r"^[A-Za-z0-9_]{0,100}$",
    )
    event_key: OptionalSecret = Field(
        None, description="Event key, for event tracking (Settings, Tracking, Event Tracking)."
    )
    event_actid: str = Field(
        "", description="The account's number for event tracking (actid).", pattern=r"^\d{0,18}$"
    )
    events_url: BaseUrl = Field(
        "https://trackcmp.net", description="Where events are sent; another one is for the sandbox."
    )
