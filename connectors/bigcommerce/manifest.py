"""What the BigCommerce connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.bigcommerce.account import BigCommerceAccount
from connectors.bigcommerce.actions import ACTIONS
from connectors.bigcommerce.polling import CUSTOMERS, POLL
from connectors.bigcommerce.subscriptions import SUBSCRIPTIONS
from connectors.bigcommerce.triggers import WEBHOOK
from connectors.kit.manifest import Contract, Limit, Manifest

if TYPE_CHECKING:
    from connectors.bigcommerce.client import BigCommerceClient


def _connect(account: Any) -> BigCommerceClient:
    from connectors.bigcommerce.client import BigCommerceClient

    return BigCommerceClient(account)


MANIFEST = Manifest(
    slug="bigcommerce",
    name="BigCommerce",
    docs_url="https://developer.bigcommerce.com/docs/rest-management",
    api_version="v2 and v3",
    api_sunset=None,
    owner="loyalty-hub",
    account=BigCommerceAccount,
    limit=Limit(
        burst=15,
        per_second=4.0,
        source="developer.bigcommerce.com/docs/start/best-practices/api-rate-limits: 150 in 30 "
        "seconds on Standard and Plus, shared by all apps of the store, 10 % left free",
        scope="account",
        concurrency=3,
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    poll=POLL,
    customers=CUSTOMERS,
    subscriptions=SUBSCRIPTIONS,
    auth="access token of an API account; webhooks signed with its client secret",
    scopes=(
        "store_v2_orders_read_only",
        "store_v2_transactions_read_only",
        "store_v2_customers",
        "store_v2_marketing",
        "store_v2_information_read_only",
    ),
    data_classes=("name", "email", "phone", "order", "payment"),
    known_limits=(
        "Store credit is written as one number and takes no idempotency key: after a lost answer "
        "a person decides whether to grant it again, and two grants at once may count as one.",
        "Credit is taken back from all that the customer has, and never below nothing: which "
        "grant it is left of BigCommerce does not keep.",
        "Webhooks hold ids only: they ring, and the poll tells what happened.",
        "Coupons begin at once, count in the store's default currency, and are not bound to the "
        "customer they are issued to.",
        "How old a signed webhook may be is a setting, since BigCommerce states no time; one that "
        "is refused for its age is made up for by the poll.",
        "BigCommerce switches a webhook off after 48 hours of failures or 90 idle days; it is "
        "subscribed anew by the next look after the subscriptions.",
        "An order counts as paid from its creation on, since the time of the payment is not told.",
        "Refunds of an amount without pieces carry no lines.",
        "A customer's marketing consent is not part of the customer and is not read.",
        "Tags are kept in one attribute of the customer, 255 signs in all.",
    ),
    contracts=(
        Contract("contracts/bigcommerce.json", "/v3"),
        Contract("contracts/bigcommerce.json", "/v2"),
    ),
    exempt={
        "contract": "The published facts leave out refunds and the deletion of attribute values: "
        "all other calls are held against them in tests/connectors/bigcommerce.",
    },
)
