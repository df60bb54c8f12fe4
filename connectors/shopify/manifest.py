"""What the Shopify connector declares."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Contract, Limit, Manifest
from connectors.shopify.account import ShopifyAccount
from connectors.shopify.actions import ACTIONS
from connectors.shopify.polling import CUSTOMERS, POLL
from connectors.shopify.subscriptions import SUBSCRIPTIONS
from connectors.shopify.triggers import WEBHOOK
from connectors.shopify.version import API_VERSION, GRAPHQL

if TYPE_CHECKING:
    from connectors.shopify.client import ShopifyClient


def _connect(account: Any) -> ShopifyClient:
    from connectors.shopify.client import ShopifyClient

    return ShopifyClient(account)


MANIFEST = Manifest(
    slug="shopify",
    name="Shopify",
    docs_url="https://shopify.dev/docs/api/webhooks",
    api_version=API_VERSION,
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
    poll=POLL,
    customers=CUSTOMERS,
    subscriptions=SUBSCRIPTIONS,
    auth="Admin API access token; webhooks signed with the app's client secret",
    scopes=(
        "read_customers",
        "write_customers",
        "read_orders",
        "write_discounts",
        "read_gift_cards",
        "write_gift_cards",
        "read_store_credit_account_transactions",
        "write_store_credit_account_transactions",
    ),
    data_classes=("name", "email", "phone", "order"),
    contracts=(
        Contract("specs/shopify/admin.2026-07.graphql", GRAPHQL),
        Contract("specs/shopify/rest-paths.2026-04.json"),
    ),
    known_limits=(
        "Store credit takes no idempotency key and cannot be looked for: after a lost answer a "
        "person decides whether to grant it, or to take it back, again.",
        "Of a gift card or of credit that is taken back, only what the customer has not spent is "
        "gone; Shopify spends credit that expires soonest first.",
        "A lost gift card is looked for among the shop's 250 newest.",
        "Gift cards need a Shopify plan and app permission that allow the API to create them.",
        "The poll reads Shopify's legacy REST resources, which are what its webhooks carry; "
        "orders older than 60 days need the scope read_all_orders.",
        "orders/edited is not used; orders/updated tells the same edit with the whole order.",
        "Two updates of an order with the same updated_at count as one revision.",
        "How an order was paid is not in the webhook, so tenders (gift cards) stay empty.",
        "A refund names no customer; it is found by its order.",
    ),
)
