"""A Yotpo Loyalty account, and how its webhooks prove themselves.

Follows https://loyaltyapi.yotpo.com/reference/authentication (GUID and API key) and
https://support.yotpo.com/docs/implementing-redemptions-via-api (`X-Api-Secret`, a shared
secret). How the general webhooks send what the dashboard calls *Webhook authentication* is
not documented, so the address itself has to be secret; the header is a setting on top.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret, Secret


class YotpoAccount(Account):
    """One programme. GUID and API key open the API; the token in the address proves webhooks."""

    guid: str = Field(
        description="GUID of the programme (Settings, General).",
        min_length=1,
        max_length=100,
        pattern=r"^[A-Za-z0-9_-]+$",
    )
    api_key: Secret = Field(description="API key of the programme (Settings, General).")
    hook_token: Secret = Field(
        description="A long random word of your own that stands in the address of the webhook."
    )
    proof_header: str = Field(
        "",
        description="Header in which Yotpo sends the webhook authentication, such as "
        "x-api-secret; empty where none is sent.",
        pattern=r"^[A-Za-z0-9-]{0,60}$",
    )
    proof_header_value: OptionalSecret = Field(
        None, description="What that header has to hold; needed where a header is named."
    )
    redemptions: Literal["reported", "booked"] = Field(
        "reported",
        description="Whether redemptions at Yotpo are reported as activities, or booked as points "
        "spent in the hub.",
    )
    counts_as_earned: bool = Field(
        False,
        description="Whether points that the hub gives count towards Yotpo's VIP tiers.",
    )
    recent_customers: int = Field(
        500,
        description="How many recently changed customers one poll looks at; each is one call.",
        ge=1,
        le=10_000,
    )
    base_url: BaseUrl = Field(
        "https://loyalty.yotpo.com",
        description="Address of the API; leave it as it is, the sandbox has another.",
    )

    @model_validator(mode="after")
    def _header_and_value_belong_together(self) -> Self:
        if bool(self.proof_header) != bool(self.proof_header_value):
            raise ValueError("proof_header and proof_header_value are given together or not at all")
        return self
