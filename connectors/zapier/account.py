"""A private Zapier app's way to the hub: https://docs.zapier.com/platform/build/apikeyauth."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, Secret, SigningSecret
from connectors.kit.payload import BlankIsNone

MIN_API_KEY = 32


def _is_long(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < MIN_API_KEY or not secret.get_secret_value().isascii():
        raise ValueError(f"must be {MIN_API_KEY} or more random ASCII characters")
    return secret


class ZapierAccount(Account):
    """The key that Zapier shows to the hub, and the secret that signs what the hub sends."""

    api_key: Annotated[Secret, AfterValidator(_is_long)] = Field(
        description="The key that is entered in Zapier's connection: 32 or more random characters."
    )
    signing_secret: SigningSecret = Field(
        description="Signs every event that is sent: whsec_ and base64 of 32 random bytes."
    )
    hub_url: Annotated[BaseUrl | None, BlankIsNone] = Field(
        None,
        description="The hub's own public address, at which the connection test tries the key "
        "as Zapier does; empty: the key is not tried.",
    )
    base_url: BaseUrl = Field(
        "https://hooks.zapier.com", description="Where Zapier takes events; changed for tests."
    )
    allow_private_network: bool = Field(
        False,
        description="Whether other subscribers may lie in a private network or speak plain http; "
        "off on the internet.",
    )
