"""What the SHOPLINE connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Contract, Limit, Manifest
from connectors.shopline.account import ShoplineAccount
from connectors.shopline.actions import ACTIONS
from connectors.shopline.polling import CUSTOMERS, POLL
from connectors.shopline.subscriptions import SUBSCRIPTIONS
from connectors.shopline.triggers import WEBHOOK
from connectors.shopline.version import ADMIN, API_VERSION

if TYPE_CHECKING:
    from connectors.shopline.client import ShoplineClient


def _connect(account: Any) -> ShoplineClient:
    from connectors.shopline.client import ShoplineClient

    return ShoplineClient(account)


MANIFEST = Manifest(
    slug="shopline",
    name="SHOPLINE",
    docs_url="https://developer.shopline.com/docs/admin-rest-api",
    api_version=API_VERSION,
    owner="loyalty-hub",
    account=ShoplineAccount,
    limit=Limit(
        burst=36,
        per_second=3.6,
        source="developer.shopline.com/docs/apps/api-instructions-for-use/rest-admin-api/"
        "flow-control: a bucket of 40, 4 a second back, per app and shop, 10 % left free",
        scope="connection",
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    poll=POLL,
    customers=CUSTOMERS,
    subscriptions=SUBSCRIPTIONS,
    auth="Admin API access token of a private app; webhooks signed with the app's secret",
    scopes=(
        "read_customers",
        "write_customers",
        "read_orders",
        "read_discounts",
        "write_discounts",
        "write_price_rules",
    ),
    data_classes=("name", "email", "phone", "order", "points"),
    contracts=(Contract("contracts/shopline.json", ADMIN),),
    exempt={
        "contract": "The published facts name no query parameter at all (polling and looking up "
        "a code need some) and have no GraphQL (member points); every path and every body of "
        "the REST calls is validated against them in tests/connectors/shopline.",
    },
    known_limits=(
        "The vendor's pages disagree on how a webhook's signature is written: base64 and "
        "hexadecimal are both taken unless the account says which.",
        "No time is signed, so an old webhook can be sent a second time; the same fact counts "
        "once.",
        "Access tokens of OAuth apps end after some hours and are not renewed: use a private app.",
        "That a change of member points with the same businessId counts once is how its "
        "documentation reads (a unique name of the change), not a promise it makes.",
        "A coupon is a price rule and a code; after a lost answer a rule without a code may stay, "
        "which gives nothing away.",
        "Whether a fixed amount is sent as 10 or -10 is not settled by the vendor's pages: see "
        "the setting amounts.",
        "Tags are read and then written whole: a tag that somebody adds in between is lost.",
        "A customer's fields are kept as tags, since the API used has no other place for them.",
        "Member points that customers earn at SHOPLINE do not become events of the hub.",
        "A refund names no customer; it is found by its order, and may be told before its money "
        "moved.",
        "What an order was worth before refunds is added up from its refunds where its total has "
        "fallen already.",
        "Member points that paid for a part of an order count as a discount.",
    ),
)
