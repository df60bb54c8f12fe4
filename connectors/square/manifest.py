"""What the Square connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Contract, Limit, Manifest
from connectors.square.account import SquareAccount
from connectors.square.actions import ACTIONS
from connectors.square.polling import CUSTOMERS, POLL
from connectors.square.records import API_VERSION
from connectors.square.subscriptions import SUBSCRIPTIONS
from connectors.square.triggers import WEBHOOK

if TYPE_CHECKING:
    from connectors.square.client import SquareClient


def _connect(account: Any) -> SquareClient:
    from connectors.square.client import SquareClient

    return SquareClient(account)


MANIFEST = Manifest(
    slug="square",
    name="Square",
    docs_url="https://developer.squareup.com/docs/webhooks/overview",
    api_version=API_VERSION,
    owner="loyalty-hub",
    account=SquareAccount,
    limit=Limit(
        burst=5,
        per_second=5.0,
        source="Square does not publish its limits (it answers 429): a gentle number of our own",
        scope="connection",
        batch_costs_one=False,
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    poll=POLL,
    customers=CUSTOMERS,
    subscriptions=SUBSCRIPTIONS,
    auth="Bearer token; webhooks signed with the subscription's key over address and body",
    scopes=(
        "PAYMENTS_READ",
        "ORDERS_READ",
        "CUSTOMERS_READ",
        "MERCHANT_PROFILE_READ",
        "LOYALTY_READ",
        "LOYALTY_WRITE",
    ),
    data_classes=("name", "email", "phone", "order", "payment", "points"),
    contracts=(Contract("specs/square/openapi.json"),),
    exempt={
        "contract": "The published contract is at hand in a shortened form that lacks "
        "ListPaymentRefunds; tests/connectors/square holds all other calls against it, and the "
        "refunds against the schema of their webhook.",
    },
    known_limits=(
        "Sales come from payments: an amount with tax, without lines. With read_orders the poll "
        "tells completed orders of one payment with their lines, which take over from it.",
        "A sale is known by its payment's id; an order paid in parts counts as several sales.",
        "An order's lines name the catalogue's object, not the SKU.",
        "Loyalty events name what happened at the till as an activity; no points are booked, and "
        "what the hub did through the API is not told back.",
        "Square's loyalty members are known by telephone: nobody without a number can be enrolled.",
        "Taking more points than there are is refused, unless allow_negative_points is set.",
        "The balance after a change is not told: Square answers with the change alone.",
        "Webhook subscriptions are made with the application's own access token; a seller's "
        "OAuth token cannot make them.",
        "Square reports that somebody unsubscribed from e-mails, never that they agreed.",
        "A birthday without its year is left out.",
    ),
)
