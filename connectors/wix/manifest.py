"""What the Wix connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Contract, Limit, Manifest
from connectors.wix.account import WixAccount
from connectors.wix.actions import ACTIONS
from connectors.wix.polling import CUSTOMERS, POLL
from connectors.wix.triggers import WEBHOOK

if TYPE_CHECKING:
    from connectors.kit.oauth import TokenStore
    from connectors.wix.client import WixClient


def _connect(account: Any) -> WixClient:
    from connectors.wix.client import WixClient

    return WixClient(account)


def _connect_with(account: Any, tokens: TokenStore) -> WixClient:
    from connectors.wix.client import WixClient

    return WixClient(account, tokens)


MANIFEST = Manifest(
    slug="wix",
    name="Wix",
    docs_url="https://dev.wix.com/docs/rest",
    api_version="contacts v4, ecom v1, loyalty v1, coupons v2",
    api_sunset=None,
    owner="loyalty-hub",
    account=WixAccount,
    limit=Limit(
        burst=30,
        per_second=2.5,
        source="dev.wix.com/docs/rest/articles/get-started/rate-limits: 200 a minute for each "
        "instance, 10 % left free",
        scope="connection",
        concurrency=4,
    ),
    connect=_connect,
    connect_with=_connect_with,
    actions=ACTIONS,
    webhook=WEBHOOK,
    poll=POLL,
    customers=CUSTOMERS,
    auth="OAuth 2 client credentials of an app, or an API key; webhooks signed as JWT (RS256)",
    scopes=(
        "Read Contacts",
        "Manage Contacts",
        "Manage Contact Labels",
        "Read Orders",
        "Manage Loyalty",
        "Manage Coupons",
    ),
    data_classes=("name", "email", "phone", "order", "payment", "points"),
    known_limits=(
        "Webhooks are signed and only ring: the poll tells what happened, in one shape.",
        "All sites of an app get their webhooks at one address, so an app serves one site here.",
        "How long a webhook's token is good is not documented: an end that it names is kept, "
        "and how old it may be is a setting.",
        "Coupons are for whoever knows the code, count in the site's currency, and have either a "
        "minimum or the shop's products as their scope.",
        "A lost change of points is looked for among the member's 200 newest transactions.",
        "Points that Wix's own rules give are not read: switch those rules off.",
        "How an order was paid is not read, so tenders (gift cards) stay empty.",
        "A contact that somebody changes between our reading and writing is refused as a conflict.",
        "A deleted or merged contact is not told.",
    ),
    contracts=(Contract("specs/wix/openapi.json"),),
    exempt={
        "contract": "Wix publishes none; the one derived from its packages lacks orders, coupons "
        "and labels: the calls that it has are held against it in tests/connectors/wix.",
        "subscriptions": "Wix's webhooks are set in the app's dashboard by a person.",
    },
)
