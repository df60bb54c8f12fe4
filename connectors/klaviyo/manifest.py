"""What the Klaviyo connector can do and what it must not exceed."""

from __future__ import annotations

from datetime import date

from connectors.kit.manifest import Client, Contract, Limit, Manifest
from connectors.klaviyo.account import SCOPES, KlaviyoAccount
from connectors.klaviyo.actions import ACTIONS
from connectors.klaviyo.polling import POLL
from connectors.klaviyo.subscriptions import SUBSCRIPTIONS
from connectors.klaviyo.triggers import WEBHOOK


def _connect(account: KlaviyoAccount) -> Client:
    from connectors.klaviyo.client import KlaviyoClient

    return KlaviyoClient(account)


MANIFEST = Manifest(
    slug="klaviyo",
    name="Klaviyo",
    docs_url="https://developers.klaviyo.com/en/reference/api_overview",
    api_version="2026-07-15",
    # A revision is retired two years after its release:
    # https://developers.klaviyo.com/en/docs/api_versioning_and_deprecation_policy
    api_sunset=date(2028, 7, 15),
    owner="loyalty-hub",
    account=KlaviyoAccount,
    limit=Limit(
        burst=7,
        per_second=2.1,
        source="https://developers.klaviyo.com/en/reference/bulk_create_events (10 a second and "
        "150 a minute, the lowest of the endpoints used; 7 + 2.1 stays below either)",
        scope="account",
        concurrency=8,
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    poll=POLL,
    subscriptions=SUBSCRIPTIONS,
    auth="private API key; webhooks signed with a word of the account's own",
    contracts=(Contract("specs/klaviyo/openapi.json"),),
    scopes=SCOPES,
    data_classes=("email", "phone", "name"),
    known_limits=(
        "An accepted event is validated and queued; Klaviyo does not report what becomes of it.",
        "The bulk endpoint takes all or nothing: events it points at are sent one by one, and a "
        "batch refused without a pointer is sent so as a whole, at 40 a second.",
        "More than five profiles go as one import, which is watched for eight seconds: of an "
        "import that takes longer, and of more than 100 refused profiles, Klaviyo alone knows.",
        "Subscribing removes whatever keeps Klaviyo from writing to the person, so it is done "
        "on a person's own fresh act alone; on double opt-in they confirm first.",
        "A subscription at Klaviyo is not taken for consent: its events do not tell a person's "
        "act from an import. Who leaves is told.",
        "System webhooks exist for Advanced KDP customers and app partners only and ring for the "
        "poll; for all others it asks every 15 minutes.",
        "Klaviyo documents neither the text that is signed nor a tolerance: signed is taken to "
        "be the body followed by Klaviyo-Timestamp, and the age of meta.timestamp is a setting.",
        "Activities are what a shop's site tells Klaviyo with a public key: anybody can invent "
        "them, so give points for them with care, and never name a metric the hub writes.",
        "A number that a JSON number cannot hold exactly is sent as text, and refused as the "
        "value of an event.",
    ),
)
