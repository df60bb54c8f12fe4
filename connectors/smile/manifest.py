"""What the Smile.io connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Contract, Limit, Manifest
from connectors.smile.account import SmileAccount
from connectors.smile.actions import ACTIONS
from connectors.smile.polling import POLL
from connectors.smile.triggers import WEBHOOK

if TYPE_CHECKING:
    from connectors.smile.client import SmileClient


def _connect(account: Any) -> SmileClient:
    from connectors.smile.client import SmileClient

    return SmileClient(account)


MANIFEST = Manifest(
    slug="smile",
    name="Smile.io",
    docs_url="https://dev.smile.io/api",
    api_version="v1",
    owner="loyalty-hub",
    account=SmileAccount,
    limit=Limit(
        burst=9,
        per_second=9.0,
        source="dev.smile.io/api/rate-limits: 10 a second per token, 10 % left free",
        scope="connection",
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    poll=POLL,
    auth="API key or an app's OAuth token; webhooks proven by a token in their address",
    scopes=(
        "customer:read",
        "customer:write",
        "points_transaction:write",
        "points_product:read",
        "points_product:write",
    ),
    data_classes=("name", "email", "points"),
    contracts=(Contract("contracts/smileio.json", "/v1"),),
    exempt={
        "subscriptions": "Smile.io has no API for webhooks: an app's are made by a person in "
        "the Partner Portal, and merchants cannot have any.",
    },
    known_limits=(
        "Webhooks are for apps only and carry no signature: they only ring, and the customers "
        "are asked for over the API; without an app the poll alone tells, every 15 minutes.",
        "Points that customers earn or spend inside Smile.io do not become events of the hub.",
        "A purchase of a reward takes no idempotency key and names no reference: after a lost "
        "answer a person looks before it is sent again.",
        "A lost points transaction is looked for by the mark in its internal note.",
        "Customers are found by Smile's id or by e-mail; Smile.io does not search by telephone.",
        "A person who changes their e-mail address becomes another identity at Smile.io.",
        "The names of the API key's scopes are as its settings page shows them to an account, "
        "and may differ for apps.",
        "Smile.io documents no wait after a 429; the hub backs off on its own.",
    ),
)
