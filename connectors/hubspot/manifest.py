"""What the HubSpot connector can do and what it must not exceed."""

from __future__ import annotations

from connectors.hubspot.account import SCOPES, HubSpotAccount
from connectors.hubspot.actions import ACTIONS
from connectors.hubspot.polling import POLL
from connectors.hubspot.triggers import WEBHOOK
from connectors.kit.manifest import Client, Contract, Limit, Manifest


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
    actions=ACTIONS,
    webhook=WEBHOOK,
    poll=POLL,
    auth="private app token; webhooks signed with the app's client secret (v3)",
    contracts=(Contract("contracts/hubspot.json"),),
    exempt={
        "subscriptions": "The webhooks of a private app are set on its own page at HubSpot; the "
        "API for them belongs to public apps and wants the key of a developer account.",
    },
    scopes=SCOPES,
    data_classes=("email", "phone", "name"),
    known_limits=(
        "A property that does not exist in HubSpot is refused: create it there first.",
        "Several changes of one address in a batch are written as one; the last values stay.",
        "A webhook names ids only, so it rings, and the poll asks for the contacts; forms are told "
        "from a contact's latest submission, of two within one look the later one.",
        "Legacy signatures (v1, v2) are refused: they say nothing of the time.",
        "HubSpot does not promise to count a custom event's uuid once, and takes no key for forms: "
        "after a lost answer a person decides whether to send an event or a form again.",
        "How many events one call takes is not documented here: the hub sends 100.",
        "A form is submitted without a statement of consent, so it subscribes nobody.",
        "A search gives at most 10,000 contacts; the hub asks on from the last change it saw.",
        "A contact who is deleted at HubSpot is not deleted at the hub.",
        "A contact without an e-mail address cannot be written.",
        "Of a batch that HubSpot refuses as a whole, at most 32 parts are tried at once; the "
        "rest is tried again later.",
    ),
)
