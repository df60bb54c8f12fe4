"""A Wix site, and the app or API key that speaks for it.

Follows https://dev.wix.com/docs/build-apps/develop-your-app/access/authentication: an app gets
tokens by client credentials with the id of its instance on the site; an owner may use an API
key with the site's id.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret, Secret
from connectors.kit.payload import BlankIsNone

GUID = r"^$|^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"


class WixAccount(Account):
    """One site. The app's public key proves the webhooks, the secret or API key opens the API."""

    app_id: str = Field(
        "", description="Id of the app; leave it empty for an API key.", pattern=GUID
    )
    app_secret: OptionalSecret = Field(None, description="Secret of the app.")
    instance_id: str = Field(
        "", description="Id of the app's instance on the site (instanceId).", pattern=GUID
    )
    api_key: OptionalSecret = Field(
        None, description="API key of the owner's account, in place of an app."
    )
    site_id: str = Field("", description="Id of the site, for an API key.", pattern=GUID)
    hook_token: Secret = Field(
        description="A long random text of your own: it stands in the webhooks' address.",
        min_length=16,
    )
    public_pem: str = Field(
        "",
        description="The app's public key, from the Webhooks page of its dashboard; without it "
        "webhooks are refused.",
        max_length=5000,
    )
    webhook_hours: int = Field(
        72,
        description="How old a signed webhook may be, in hours; Wix tries again for two days.",
        ge=1,
        le=168,
    )
    currency: str = Field(
        description="The site's currency, in which coupons count.", pattern=r"^[A-Z]{3}$"
    )
    tells_redemptions: bool = Field(
        True, description="Whether points that members redeem at Wix are redeemed in the hub too."
    )
    base_url: Annotated[BaseUrl | None, BlankIsNone] = Field(
        None, description="Leave empty: Wix's API. Another address is for the sandbox."
    )

    @field_validator("public_pem")
    @classmethod
    def _is_a_key(cls, value: str) -> str:
        text = value.strip()
        if text and not text.startswith("-----BEGIN PUBLIC KEY-----"):
            raise ValueError("copy the whole public key, from -----BEGIN PUBLIC KEY----- on")
        return text

    @model_validator(mode="after")
    def _can_sign_in(self) -> Self:
        is_app = bool(self.app_id and self.app_secret and self.instance_id)
        if not is_app and not (self.api_key and self.site_id):
            raise ValueError(
                "enter the app's id, secret and instance id, or an API key with the site's id"
            )
        return self

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return self.base_url or "https://www.wixapis.com"
