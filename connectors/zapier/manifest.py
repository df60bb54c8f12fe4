"""What the Zapier connector says of itself."""

from __future__ import annotations

from typing import Any

from connectors.kit.manifest import Limit, Manifest
from connectors.zapier.account import ZapierAccount
from connectors.zapier.actions import ACTIONS
from connectors.zapier.triggers import WEBHOOK


def _connect(account: Any) -> Any:
    # The gateway imports this manifest and calls nobody.
    from connectors.zapier.client import ZapierClient

    return ZapierClient(account)


MANIFEST = Manifest(
    slug="zapier",
    name="Zapier",
    docs_url="https://docs.zapier.com/platform/build/hook-trigger",
    api_version="platform schema 19.1.0",
    owner="loyalty-hub",
    account=ZapierAccount,
    # One address takes 30 a second; that stays within the user's 10,000 in five minutes.
    limit=Limit(
        burst=27,
        per_second=27,
        concurrency=16,
        scope="account",
        source="https://help.zapier.com/hc/en-us/articles/29972220283789: 10,000 in five minutes "
        "for each user, 10 % left free; one address takes about 30 a second",
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    auth="an API key that Zapier shows to the hub, and a secret that signs what the hub sends",
    data_classes=("email", "phone", "name", "order", "payment", "points", "message text"),
    exempt={
        "contract": "Zapier publishes no contract of its hook addresses: they take any JSON. The "
        "envelope is checked with the reference library of Standard Webhooks, in the sandbox.",
    },
    known_limits=(
        "Zapier checks no signature and knows a Zap by its secret address alone.",
        "An event arrives twice where Zapier's answer is lost; the field id is the same again, "
        "and a Zap can drop repeats by it.",
        "Zapier's limits for REST hooks are its general webhook limits: UNCONFIRMED for private "
        "apps; other work of the same Zapier user counts against them too.",
        "Zapier answers 200 and may begin some minutes later when it is busy.",
        "Events that Zaps of a connection report do not start its Zaps again, unless a "
        "subscription asks for them, so that Zaps make no circles.",
        "A Zap gets the customer's data of the event; one about a person who was forgotten gets "
        "the shop's customer id alone.",
        "Subscribers at other hosts need https and a public address, unless allowed.",
    ),
)
