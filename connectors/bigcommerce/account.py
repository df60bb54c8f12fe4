"""A BigCommerce store and the API account that speaks for it.

Follows https://developer.bigcommerce.com/docs/start/authentication/api-accounts.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret, Secret
from connectors.kit.payload import BlankIsNone


class BigCommerceAccount(Account):
    """One store. The client secret signs the webhooks, the access token opens the API."""

    store_hash: str = Field(
        description="The store's hash: the part after stores/ in the API path.",
        pattern=r"^[a-z0-9]{4,30}$",
    )
    access_token: Secret = Field(description="Access token of the store's API account or app.")
    client_secret: Secret = Field(
        description="Client secret of the same API account or app: it signs the webhooks."
    )
    previous_client_secret: OptionalSecret = Field(
        None, description="The secret before a rotation, as long as both are in use."
    )
    currency: str = Field(
        description="The store's default currency, in which coupons and store credit count.",
        pattern=r"^[A-Z]{3}$",
    )
    tags_attribute: str = Field(
        "loyalty_tags",
        description="Name of the customer attribute that holds the hub's tags.",
        min_length=1,
        max_length=60,
    )
    webhook_minutes: int = Field(
        5,
        description="How old a signed webhook may be, in minutes; BigCommerce states none.",
        ge=1,
        le=30,
    )
    base_url: Annotated[BaseUrl | None, BlankIsNone] = Field(
        None, description="Leave empty: BigCommerce's API. Another address is for the sandbox."
    )

    @property
    def api_url(self) -> str:
        """Where the store's API answers, without the version."""
        return self.base_url or f"https://api.bigcommerce.com/stores/{self.store_hash}"

    @property
    def webhook_secrets(self) -> tuple[SecretStr | None, ...]:
        """What a webhook may be signed with, current first."""
        return (self.client_secret, self.previous_client_secret)
