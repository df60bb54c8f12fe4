"""A SHOPLINE shop and the app that speaks for it.

Follows https://developer.shopline.com/docs/apps/api-instructions-for-use/webhooks/overview. The
vendor's pages disagree on how the signature is written (hexadecimal or base64), so both are
taken unless the account says which.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret, Secret
from connectors.kit.payload import BlankIsNone


class ShoplineAccount(Account):
    """One shop. The app's secret signs the webhooks, the access token opens the API."""

    shop_domain: str = Field(
        description="The shop's own domain at SHOPLINE, such as aroma-house.myshopline.com.",
        max_length=255,
        pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$",
    )
    access_token: Secret = Field(
        description="Admin API access token of the private app, which is good for three years."
    )
    app_secret: Secret = Field(description="Secret of the app: it signs the webhooks.")
    previous_app_secret: OptionalSecret = Field(
        None, description="The secret before a rotation, while both may be in use."
    )
    signature: Literal["either", "base64", "hex"] = Field(
        "either", description="How the signature of webhooks is written, once it is known."
    )
    amounts: Literal["positive", "negative"] = Field(
        "positive",
        description="Whether a coupon of a fixed amount is sent as 10 or as -10: the vendor's "
        "pages show both.",
    )
    tag_prefix: str = Field(
        "loyalty",
        description="What the tags begin with in which the hub keeps a customer's fields.",
        pattern=r"^[A-Za-z0-9_-]{2,40}$",
    )
    base_url: Annotated[BaseUrl | None, BlankIsNone] = Field(
        None, description="Leave empty: the shop's domain. Another address is for the sandbox."
    )

    @property
    def api_url(self) -> str:
        """Where the Admin API answers."""
        return self.base_url or f"https://{self.shop_domain}"

    @property
    def webhook_secrets(self) -> tuple[SecretStr | None, ...]:
        """What a webhook may be signed with, current first."""
        return (self.app_secret, self.previous_app_secret)
