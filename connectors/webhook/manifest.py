"""What the custom webhook connector says of itself."""

from __future__ import annotations

from typing import Any

from connectors.kit.manifest import Limit, Manifest
from connectors.webhook.account import WebhookAccount
from connectors.webhook.actions import CALL
from connectors.webhook.triggers import WEBHOOK


def _connect(account: Any) -> Any:
    # The gateway imports this manifest and calls nobody.
    from connectors.webhook.client import WebhookClient

    return WebhookClient(account)


MANIFEST = Manifest(
    slug="webhook",
    name="Custom webhook",
    docs_url="https://www.standardwebhooks.com",
    api_version="Standard Webhooks v1",
    owner="loyalty-hub",
    account=WebhookAccount,
    limit=Limit(
        burst=500,
        per_second=500,
        concurrency=32,
        source="your endpoint's own; this is generous, set what it takes in Prefect",
    ),
    connect=_connect,
    actions=(CALL,),
    webhook=WEBHOOK,
    auth="a shared secret that signs every call, and an extra header where you need one",
    data_classes=("email", "phone", "name", "order", "whatever a rule puts into data"),
    exempt={
        "contract": "The endpoint is your own: nobody publishes a contract of it. The envelope is "
        "checked with the reference library of Standard Webhooks, in the sandbox.",
        "subscriptions": "Whoever sends to the hub enters its address by hand.",
    },
    known_limits=(
        "A call is done once only where the receiver remembers webhook-id for a day or longer.",
        "Any 2xx is a receipt, unless it comes with an HTML page: that is a login or a notice.",
        "Redirects are not followed, and private networks are not entered unless allowed.",
        "Milestones, tier changes, anniversaries and birthdays are not taken from outside.",
        "A mapping makes one event of a body, and every body has to be signed all the same.",
        "One secret at a time: while it is changed, calls signed with the old one are refused.",
    ),
)
