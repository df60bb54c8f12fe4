"""What the Lightspeed Retail connector declares."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Contract, Limit, Manifest
from connectors.lightspeed.account import LightspeedAccount
from connectors.lightspeed.actions import ACTIONS
from connectors.lightspeed.polling import CUSTOMERS, POLL
from connectors.lightspeed.subscriptions import SUBSCRIPTIONS
from connectors.lightspeed.triggers import WEBHOOK
from connectors.lightspeed.version import API, API_VERSION

if TYPE_CHECKING:
    from connectors.kit.oauth import TokenStore
    from connectors.lightspeed.client import LightspeedClient


def _connect(account: Any) -> LightspeedClient:
    from connectors.lightspeed.client import LightspeedClient

    return LightspeedClient(account)


def _connect_with(account: Any, tokens: TokenStore) -> LightspeedClient:
    from connectors.lightspeed.client import LightspeedClient

    return LightspeedClient(account, tokens)


MANIFEST = Manifest(
    slug="lightspeed",
    name="Lightspeed Retail (X-Series)",
    docs_url="https://x-series-api.lightspeedhq.com/docs/introduction",
    api_version=API_VERSION,
    api_sunset=date(2027, 7, 1),
    owner="loyalty-hub",
    account=LightspeedAccount,
    limit=Limit(
        burst=30,
        per_second=0.95,
        source="x-series-api.lightspeedhq.com/docs/rate_limiting: 300 for each register and 50 "
        "in five minutes; one register assumed, 10 % left free",
        scope="connection",
        concurrency=4,
    ),
    connect=_connect,
    connect_with=_connect_with,
    actions=ACTIONS,
    webhook=WEBHOOK,
    poll=POLL,
    customers=CUSTOMERS,
    subscriptions=SUBSCRIPTIONS,
    auth="OAuth 2 (add-on) or personal token; webhooks by a token in their address",
    scopes=(
        "customers:read",
        "customers:write",
        "sales:read",
        "webhooks",
        "loyalty.transaction.write",
    ),
    data_classes=("name", "email", "phone", "address", "order", "payment", "points"),
    known_limits=(
        "No signature of its webhooks is documented: they only ring, and the poll, which is "
        "authenticated, tells what happened.",
        "A sale counts when it is closed: on account, lay-by and unfulfilled sales wait till then.",
        "A return that names no sale cannot be taken back by itself: it is reported for a person.",
        "A return counts by its amount, since its lines do not say which lines they take back.",
        "Sales name no currency: the retailer's is taken, also for outlets with another one.",
        "Weighed goods count as one piece of their price.",
        "The endpoint for loyalty adjustments is a beta of the vendor's.",
        "A customer created twice at the same moment is two customers: the search lags behind.",
        "A record that somebody changes between our reading and writing loses that change.",
    ),
    contracts=(Contract("specs/lightspeed/openapi.json", API),),
    exempt={
        "contract": "The published contract is the one before, without loyalty adjustments and "
        "webhooks: the calls that it has are held against it in tests/connectors/lightspeed.",
    },
)
