"""A Shopify shop and the custom app that speaks for it.

Follows https://shopify.dev/docs/apps/build/webhooks/verify-deliveries.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret, Secret
from connectors.kit.payload import BlankIsNone


class ShopifyAccount(Account):
    """One shop. The app's client secret signs the webhooks, the access token opens the API."""

    shop_domain: str = Field(
        description="The shop's own domain at Shopify, such as aroma-house.myshopify.com.",
        max_length=255,
    )
    access_token: Secret = Field(
        description="Admin API access token of the custom app (begins with shpat_)."
    )
    client_secret: Secret = Field(
        description="API secret key of the app (client secret): it signs the webhooks."
    )
    previous_client_secret: OptionalSecret = Field(
        None, description="The secret before a rotation, for the hour in which both are in use."
    )
    metafield_namespace: str = Field(
        "loyalty",
        description="Namespace of the customers' metafields that the hub writes.",
        pattern=r"^[A-Za-z0-9_-]{3,40}$",
    )
    base_url: Annotated[BaseUrl | None, BlankIsNone] = Field(
        None, description="Leave empty: the shop's domain. Another address is for the sandbox."
    )

    @field_validator("shop_domain")
    @classmethod
    def _is_a_domain(cls, value: str) -> str:
        domain = value.strip().lower()
        labels = domain.split(".")
        if len(labels) < 2 or not all(_is_label(label) for label in labels):
            raise ValueError("write the domain alone, such as aroma-house.myshopify.com")
        return domain

    @property
    def api_url(self) -> str:
        """Where the Admin API answers."""
        return self.base_url or f"https://{self.shop_domain}"

    @property
    def webhook_secrets(self) -> tuple[SecretStr | None, ...]:
        """What a webhook may be signed with, current first."""
        return (self.client_secret, self.previous_client_secret)


def _is_label(label: str) -> bool:
    return label.isascii() and label.replace("-", "").isalnum() and label[0] != "-" != label[-1]
