"""A WooCommerce shop and its REST API key.

Follows https://woocommerce.github.io/woocommerce-rest-api-docs (authentication, webhooks).
"""

from __future__ import annotations

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, Secret


class WooCommerceAccount(Account):
    """One shop. The key reads the API; the webhook secret signs what the shop sends."""

    base_url: BaseUrl = Field(
        description="Address of the WordPress site, such as https://aroma-house.example."
    )
    consumer_key: Secret = Field(
        description="Consumer key of a REST API key with read permission (begins with ck_)."
    )
    consumer_secret: Secret = Field(
        description="Consumer secret of the same key (begins with cs_)."
    )
    webhook_secret: Secret = Field(
        description="The secret entered at every webhook of the shop; it must not be left empty."
    )
