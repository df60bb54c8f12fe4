"""What the WooCommerce connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Limit, Manifest
from connectors.woocommerce.account import WooCommerceAccount
from connectors.woocommerce.actions import ACTIONS
from connectors.woocommerce.triggers import WEBHOOK

if TYPE_CHECKING:
    from connectors.woocommerce.client import WooCommerceClient


def _connect(account: Any) -> WooCommerceClient:
    from connectors.woocommerce.client import WooCommerceClient

    return WooCommerceClient(account)


MANIFEST = Manifest(
    slug="woocommerce",
    name="WooCommerce",
    docs_url="https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks",
    api_version="wc/v3",
    owner="loyalty-hub",
    account=WooCommerceAccount,
    limit=Limit(
        burst=5,
        per_second=5.0,
        source="WooCommerce sets no limit, the shop's host does: a gentle number of our own",
        scope="connection",
        concurrency=4,
        batch_costs_one=False,
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    auth="HTTP Basic with a REST API key; webhooks signed with the secret entered at each",
    scopes=("read",),
    data_classes=("name", "email", "phone"),
    known_limits=(
        "Only listens: nothing is written to the shop in this release.",
        "WooCommerce does not send a webhook again and switches it off after five failures: "
        "let the reconcile flow fetch what was missed.",
        "Refunds come as amounts with tax, without lines and without a time of their own.",
        "Changes to an order after it was paid, other than refunds, are not counted.",
        "WooCommerce keeps no marketing consent: none is reported.",
        "Fees earn nothing; a negative fee counts as a discount on the order.",
    ),
)
