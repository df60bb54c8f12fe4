"""What the HubSpot connector can do and what it must not exceed."""

from __future__ import annotations

from connectors.hubspot.account import SCOPES, HubSpotAccount
from connectors.hubspot.actions import UPSERT_CONTACT
from connectors.hubspot.triggers import WEBHOOK
from connectors.kit.manifest import Client, Limit, Manifest


def _connect(account: HubSpotAccount) -> Client:
    from connectors.hubspot.client import HubSpotClient

    return HubSpotClient(account)


MANIFEST = Manifest(
    slug="hubspot",
    name="HubSpot",
    docs_url="https://developers.hubspot.com/docs/guides/api/crm/objects/contacts",
    api_version="v3",
    owner="loyalty-hub",
    account=HubSpotAccount,
    limit=Limit(
        burst=10,
        per_second=8,
        source="https://developers.hubspot.com/docs/guides/apps/api-usage/usage-details (100 "
        "calls in any 10 seconds on Free and Starter, 190 on Professional: raise it there)",
        scope="account",
        concurrency=8,
    ),
    connect=_connect,
    actions=(UPSERT_CONTACT,),
    webhook=WEBHOOK,
    auth="private app token",
    scopes=SCOPES,
    data_classes=("email", "phone", "name"),
    known_limits=(
        "A property that does not exist in HubSpot is refused: create it there first.",
        "Several changes of one address in a batch are written as one; the last values stay.",
        "A contact without an e-mail address cannot be written.",
        "Of a batch that HubSpot refuses as a whole, at most 32 parts are tried at once; the "
        "rest is tried again later.",
    ),
)
