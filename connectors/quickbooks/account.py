"""A QuickBooks Online company, by an app of Intuit's developer portal.

Follows https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/
oauth-2.0: an access token is good for an hour, and each renewal may bring a new refresh token.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret, Secret

Number = r"^\d{0,20}$"


class QuickbooksAccount(Account):
    """One company (realm)."""

    realm_id: str = Field(
        description="Company id (realm id), as the authorisation gave it.", pattern=r"^\d{5,25}$"
    )
    client_id: str = Field(description="Client id of the app.", min_length=1, max_length=200)
    client_secret: Secret = Field(description="Client secret of the app.")
    refresh_token: Secret = Field(
        description="The first refresh token that the authorisation gave; the hub keeps the "
        "later ones."
    )
    verifier_token: OptionalSecret = Field(
        None,
        description="Verifier token of the app's webhooks; without it every webhook is refused.",
    )
    item_id: str = Field(
        "",
        description="Number of the product or service that the lines of the hub's receipts are "
        "booked on; needed for writing receipts.",
        pattern=Number,
    )
    tax_code: str = Field(
        "",
        description="Tax code of the lines, such as TAX in the United States or a number "
        "elsewhere; empty for the item's own.",
        max_length=40,
    )
    zone: str = Field("UTC", description="Time zone of the company's days (IANA).", max_length=64)
    tells_sales: bool = Field(
        True,
        description="Whether receipts that others write in QuickBooks count as sales; switch it "
        "off where the shop tells the same sales itself.",
    )
    currency: str = Field(
        "USD",
        description="Home currency, for receipts that name none.",
        pattern=r"^[A-Z]{3}$",
    )
    base_url: BaseUrl = Field(
        "https://quickbooks.api.intuit.com", description="Address of the API."
    )
    auth_url: BaseUrl = Field(
        "https://oauth.platform.intuit.com", description="Address that renews tokens."
    )

    @field_validator("zone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("is no IANA time zone, such as America/Los_Angeles") from None
        return value
