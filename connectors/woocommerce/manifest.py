"""What the WooCommerce connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Contract, Limit, Manifest
from connectors.woocommerce.account import WooCommerceAccount
from connectors.woocommerce.actions import ACTIONS
from connectors.woocommerce.polling import CUSTOMERS, POLL
from connectors.woocommerce.subscriptions import SUBSCRIPTIONS
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
    poll=POLL,
    customers=CUSTOMERS,
    subscriptions=SUBSCRIPTIONS,
    auth="HTTP Basic with a REST API key; webhooks signed with the secret given to each",
    scopes=("read", "write"),
    data_classes=("name", "email", "phone", "order"),
    contracts=(Contract("specs/woocommerce/openapi.json", "/wp-json/wc/v3"),),
    known_limits=(
        "WooCommerce does not send a webhook again and switches it off after five failures: "
        "the hub polls what was missed and makes the webhook anew.",
        "The API cannot be asked which customers changed: the poll tells new ones, changes to "
        "older ones come by webhook alone.",
        "Coupons have no first day at WooCommerce: a code works from the moment it is made.",
        "A coupon is tied to the customer's e-mail address and is in the shop's own currency.",
        "A free-shipping coupon needs a shipping method in the shop that asks for a coupon.",
        "Customers are found by id or e-mail, not by telephone number, and have no tags: these "
        "are kept in one meta field.",
        "Two changes of the same customer's tags at once may lose one of them.",
        "Refunds come as amounts with tax, without lines and without a time of their own.",
        "Changes to an order after it was paid, other than refunds, are not counted.",
        "WooCommerce keeps no marketing consent: none is reported.",
        "Fees earn nothing; a negative fee counts as a discount on the order.",
    ),
)
