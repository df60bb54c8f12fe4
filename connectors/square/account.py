"""A Square seller and one webhook subscription.

Follows https://developer.squareup.com/docs/webhooks/step3validate.
"""

from __future__ import annotations

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret, Secret


class SquareAccount(Account):
    """One seller. The token opens the API; the signature key belongs to the subscription."""

    access_token: Secret = Field(
        description="Access token of the application (Developer Console, Credentials)."
    )
    signature_key: OptionalSecret = Field(
        None,
        description="Signature key of the webhook subscription; the hub fills it in where it "
        "makes the subscription itself.",
    )
    location_id: str = Field(
        "",
        description="Location at which points count as earned and rewards as redeemed, where "
        "an action names none.",
        max_length=50,
    )
    read_orders: bool = Field(
        False,
        description="Whether sales are told with their lines, from Square's orders, once these "
        "are complete: rules for order.paid then apply to them.",
    )
    allow_negative_points: bool = Field(
        False, description="Whether taking points may leave a loyalty account below zero."
    )
    base_url: BaseUrl = Field(
        "https://connect.squareup.com",
        description="Square's API; its sandbox is https://connect.squareupsandbox.com.",
    )
