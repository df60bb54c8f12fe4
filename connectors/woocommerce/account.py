"""A WooCommerce shop and its REST API key.

Follows https://woocommerce.github.io/woocommerce-rest-api-docs (authentication, webhooks).
"""

from __future__ import annotations

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, Secret


class WooCommerceAccount(Account):
    """One shop. The key opens the API; the webhook secret signs what the shop sends."""

    base_url: BaseUrl = Field(
        description="Address of the WordPress site, such as https://aroma-house.example."
    )
    consumer_key: Secret = Field(
        description="Consumer key of a REST API key with read and write permission (ck_…)."
    )
    consumer_secret: Secret = Field(
        description="Consumer secret of the same key (begins with cs_)."
    )
    webhook_secret: Secret = Field(
        description="The secret of every webhook of the shop; it must not be left empty."
    )
    currency: str = Field(
        "",
        description="The shop's currency (EUR): a coupon in another one is refused. Empty: any.",
        pattern=r"^([A-Z]{3})?$",
    )
    meta_prefix: str = Field(
        "loyalty_",
        description="What the names of the customers' meta fields that the hub writes begin with.",
        pattern=r"^[A-Za-z][A-Za-z0-9_]{0,29}$",
    )
