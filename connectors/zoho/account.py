"""A Zoho CRM organisation and the self client that speaks for it.

Follows https://www.zoho.com/crm/developer/docs/api/v8/oauth-overview.html: a refresh token that
does not end, access tokens of an hour, and hosts of their own in each data centre.
"""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, Secret

LONGEST_TOKEN = 50


class ZohoAccount(Account):
    """One organisation of Zoho CRM, in one data centre."""

    client_id: str = Field(
        description="Client id of the self client in Zoho's API console (begins with 1000.).",
        min_length=1,
        max_length=200,
    )
    client_secret: Secret = Field(description="Client secret of the same client.")
    refresh_token: Secret = Field(
        description="The refresh token that the generated code was exchanged for."
    )
    hook_token: Secret = Field(
        description="A long random text of your own, 16 to 50 characters: Zoho repeats it in each "
        "notification, since it signs nothing.",
        min_length=16,
    )
    won_stages: tuple[str, ...] = Field(
        ("Closed Won",),
        description="The stages of a deal that count as won, as they are spelled in the CRM.",
        min_length=1,
        max_length=20,
    )
    member_field: str = Field(
        "",
        description="API name of a contact's field that holds the hub's member id; empty where "
        "there is none.",
        pattern=r"^([A-Za-z][A-Za-z0-9_]{0,99})?$",
    )
    base_url: BaseUrl = Field(
        "https://www.zohoapis.com",
        description="The API of your data centre, such as https://www.zohoapis.eu.",
    )
    accounts_url: BaseUrl = Field(
        "https://accounts.zoho.com",
        description="The accounts server of your data centre, such as https://accounts.zoho.eu.",
    )

    @field_validator("hook_token")
    @classmethod
    def _fits(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) > LONGEST_TOKEN:
            raise ValueError("Zoho keeps at most 50 characters of it: choose a shorter one")
        return value
