"""What the Klaviyo connector can do and what it must not exceed."""

from __future__ import annotations

from datetime import date

from connectors.kit.manifest import Client, Limit, Manifest
from connectors.klaviyo.account import SCOPES, KlaviyoAccount
from connectors.klaviyo.actions import TRACK_EVENT, UPSERT_PROFILE
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
    actions=(TRACK_EVENT, UPSERT_PROFILE),
    webhook=WEBHOOK,
    auth="private API key",
    scopes=SCOPES,
    data_classes=("email", "phone", "name"),
    known_limits=(
        "An accepted event is validated and queued; Klaviyo does not report what becomes of it.",
        "The bulk endpoint takes all or nothing: events it points at are sent one by one, and a "
        "batch refused without a pointer is sent so as a whole, at 40 a second.",
        "A number that a JSON number cannot hold exactly is sent as text, and refused as the "
        "value of an event.",
    ),
)
