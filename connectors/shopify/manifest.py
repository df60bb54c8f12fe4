"""What the Shopify connector declares."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Limit, Manifest
from connectors.shopify.account import ShopifyAccount
from connectors.shopify.actions import ACTIONS
from connectors.shopify.triggers import WEBHOOK

if TYPE_CHECKING:
    from connectors.shopify.client import ShopifyClient


def _connect(account: Any) -> ShopifyClient:
    from connectors.shopify.client import ShopifyClient

    return ShopifyClient(account)


MANIFEST = Manifest(
    slug="shopify",
    name="Shopify",
    docs_url="https://shopify.dev/docs/api/webhooks",
    api_version="2026-07",
    api_sunset=date(2027, 7, 1),
    owner="loyalty-hub",
    account=ShopifyAccount,
    limit=Limit(
        burst=9,
        per_second=9.0,
        source="shopify.dev/docs/api/usage/rate-limits: 100 points a second on the Standard "
        "plan, 10 points a call assumed, 10 % left free",
        scope="connection",
        batch_costs_one=False,
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    auth="Admin API access token; webhooks signed with the app's client secret",
    scopes=("read_customers", "read_orders"),
    data_classes=("name", "email", "phone"),
    known_limits=(
        "Only listens: nothing is written to the shop in this release.",
        "orders/edited is not used; orders/updated tells the same edit with the whole order.",
        "Two updates of an order with the same updated_at count as one revision.",
        "How an order was paid is not in the webhook, so tenders (gift cards) stay empty.",
        "A refund names no customer; it is found by its order.",
        "Test orders of the shop count like real ones.",
    ),
)
