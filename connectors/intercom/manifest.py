"""What the Intercom connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.intercom.account import IntercomAccount
from connectors.intercom.actions import ACTIONS
from connectors.intercom.triggers import WEBHOOK
from connectors.kit.manifest import Contract, Limit, Manifest

if TYPE_CHECKING:
    from connectors.intercom.client import IntercomClient


def _connect(account: Any) -> IntercomClient:
    from connectors.intercom.client import IntercomClient

    return IntercomClient(account)


MANIFEST = Manifest(
    slug="intercom",
    name="Intercom",
    docs_url="https://developers.intercom.com/docs/references/rest-api/api.intercom.io",
    api_version="2.16",
    owner="loyalty-hub",
    account=IntercomAccount,
    limit=Limit(
        burst=1500,
        per_second=150.0,
        source="developers.intercom.com/docs/references/rest-api/errors/rate-limiting: 10,000 a "
        "minute for each private app, in windows of 10 seconds, 10 % left free",
        scope="account",
        concurrency=8,
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    auth="access token of a private app; webhooks signed with the app's client secret",
    scopes=(
        "Read and list users and companies",
        "Write users and companies",
        "Write tags",
        "Write events",
        "Read conversations",
        "Write conversations",
    ),
    data_classes=("name", "email", "phone", "points", "message text"),
    contracts=(Contract("specs/intercom/openapi.json"),),
    exempt={
        "subscriptions": "Intercom's topics are chosen in the app's Developer Hub by a person: "
        "the API has no call for it."
    },
    known_limits=(
        "An in-app message has no key and cannot be looked for: after a lost answer a person "
        "decides whether it is sent again.",
        "Of events of one name by one person within the same second Intercom keeps one.",
        "An event has ten properties at the most, all of them texts, as the published schema "
        "wants it; Intercom ignores further ones.",
        "Custom attributes have to exist in Intercom; an unknown one is refused.",
        "Several contacts may share an e-mail address: the user before the lead is taken, and "
        "the one that was there first.",
        "An external id that a contact has already is never overwritten, and leads get none.",
        "A failed notification is repeated once, after a minute, and nothing is polled: what is "
        "missed for longer is not told.",
        "Contacts that the hub makes come back as new users.",
        "Leads are told of when they become users; merged, archived and deleted contacts are not.",
        "Whether Intercom asks an address with HEAD before it takes it is not documented.",
    ),
)
