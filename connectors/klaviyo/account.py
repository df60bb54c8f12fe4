"""A Klaviyo account: one private API key.

https://developers.klaviyo.com/en/docs/authenticate_
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret, Secret

SCOPES = (
    "accounts:read",
    "events:read",
    "events:write",
    "lists:write",
    "metrics:read",
    "profiles:read",
    "profiles:write",
    "subscriptions:write",
    "webhooks:read",
    "webhooks:write",
)


class KlaviyoAccount(Account):
    """What the hub needs to write events and profiles, and to ask who left."""

    api_key: Secret = Field(
        description="Private API key (pk_…) with the scopes that the README names, from Settings, "
        "API keys."
    )
    webhook_secret: OptionalSecret = Field(
        None,
        description="A word of your own of at least 16 characters that signs the webhooks; only "
        "for accounts that have system webhooks.",
    )
    webhook_minutes: Annotated[int, Field(ge=1, le=10_080)] = Field(
        30, description="How many minutes old a webhook may be, by the time in its body."
    )
    activity_metrics: tuple[Annotated[str, Field(min_length=1, max_length=128)], ...] = Field(
        (), description="Names of metrics whose events count as activities, besides who left."
    )
    base_url: BaseUrl = Field("https://a.klaviyo.com", description="Address of the API.")
