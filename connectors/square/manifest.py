"""What the Square connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Limit, Manifest
from connectors.square.account import SquareAccount
from connectors.square.actions import ACTIONS
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
    api_version="2025-08-20",
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
    auth="Bearer token; webhooks signed with the subscription's key over address and body",
    scopes=("PAYMENTS_READ", "CUSTOMERS_READ", "MERCHANT_PROFILE_READ"),
    data_classes=("name", "email", "phone"),
    known_limits=(
        "Only listens: nothing is written to Square in this release.",
        "Sales come from payments: an amount with tax, without lines and SKUs.",
        "A sale is known by its payment's id; an order paid in parts counts as several sales.",
        "Square reports that somebody unsubscribed from e-mails, never that they agreed.",
        "A birthday without its year is left out.",
    ),
)
