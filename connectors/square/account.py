"""A Square seller and one webhook subscription.

Follows https://developer.squareup.com/docs/webhooks/step3validate.
"""

from __future__ import annotations

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, Secret


class SquareAccount(Account):
    """One seller. The token reads the API; the signature key belongs to the subscription."""

    access_token: Secret = Field(
        description="Access token of the application (Developer Console, Credentials)."
    )
    signature_key: Secret = Field(
        description="Signature key of the webhook subscription (Developer Console, Webhooks)."
    )
    base_url: BaseUrl = Field(
        "https://connect.squareup.com",
        description="Square's API; its sandbox is https://connect.squareupsandbox.com.",
    )
