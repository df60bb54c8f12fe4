"""A Lightspeed Retail (X-Series) retailer, formerly Vend.

Follows https://x-series-api.lightspeedhq.com/docs/authorization: an add-on authorises by OAuth
and renews its token each day; a retailer of the Plus plan may use a personal token instead.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret, Secret
from connectors.kit.payload import BlankIsNone


class LightspeedAccount(Account):
    """One retailer, with all its outlets and registers."""

    domain_prefix: str = Field(
        description="The first part of the store's address: aroma-house of "
        "aroma-house.retail.lightspeed.app.",
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
    )
    hook_token: Secret = Field(
        description="A long random text of your own: it stands in the webhooks' address, since "
        "their body proves nothing.",
        min_length=16,
    )
    personal_token: OptionalSecret = Field(
        None, description="Personal token of the retailer; leave it empty to use OAuth."
    )
    client_id: str = Field("", description="Client id of the add-on, for OAuth.", max_length=200)
    client_secret: OptionalSecret = Field(
        None, description="Client secret of the add-on, for OAuth."
    )
    refresh_token: OptionalSecret = Field(
        None, description="The first refresh token that the authorisation gave, for OAuth."
    )
    custom_fields: tuple[str, ...] = Field(
        (),
        description="What the customers' custom fields 1 to 4 hold, in this order, such as "
        "points and tier.",
        max_length=4,
    )
    point_value: Decimal = Field(
        Decimal(1),
        description="How much of Lightspeed's loyalty currency one point is worth.",
        gt=0,
        max_digits=12,
        decimal_places=4,
    )
    require_signature: bool = Field(
        False,
        description="Refuse webhooks without a valid X-Signature by the add-on's client secret; "
        "Lightspeed does not promise the header, so this is off by default.",
    )
    base_url: Annotated[BaseUrl | None, BlankIsNone] = Field(
        None, description="Leave empty: the store's address. Another one is for the sandbox."
    )

    @field_validator("domain_prefix", mode="before")
    @classmethod
    def _is_plain(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return value.strip().lower().removesuffix(".retail.lightspeed.app")

    @model_validator(mode="after")
    def _can_sign_in(self) -> Self:
        if self.personal_token is None and not (
            self.client_id and self.client_secret and self.refresh_token
        ):
            raise ValueError(
                "enter a personal token, or the add-on's client id, client secret and refresh token"
            )
        if self.require_signature and self.client_secret is None:
            raise ValueError("to require a signature, the add-on's client secret is needed")
        return self

    @property
    def api_url(self) -> str:
        """Where the store's API answers."""
        return self.base_url or f"https://{self.domain_prefix}.retail.lightspeed.app"
