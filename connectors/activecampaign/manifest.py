"""What the ActiveCampaign connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.activecampaign.account import ActiveCampaignAccount
from connectors.activecampaign.actions import ACTIONS
from connectors.activecampaign.polling import POLL
from connectors.activecampaign.subscriptions import SUBSCRIPTIONS
from connectors.activecampaign.triggers import WEBHOOK
from connectors.kit.manifest import Contract, Limit, Manifest

if TYPE_CHECKING:
    from connectors.activecampaign.client import ActiveCampaignClient


def _connect(account: Any) -> ActiveCampaignClient:
    from connectors.activecampaign.client import ActiveCampaignClient

    return ActiveCampaignClient(account)


MANIFEST = Manifest(
    slug="activecampaign",
    name="ActiveCampaign",
    docs_url="https://developers.activecampaign.com/reference/overview",
    api_version="3",
    owner="loyalty-hub",
    account=ActiveCampaignAccount,
    limit=Limit(
        burst=4,
        per_second=4.5,
        source="developers.activecampaign.com/reference/rate-limits: 5 a second per account, "
        "shared by all its keys, 10 % left free",
        scope="account",
        concurrency=4,
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    poll=POLL,
    subscriptions=SUBSCRIPTIONS,
    auth="API key; webhooks by a secret word in their address",
    data_classes=("name", "email", "phone"),
    contracts=(
        Contract("contracts/activecampaign.json", "/api/3"),
        Contract("contracts/activecampaign.json"),
    ),
    exempt={
        "contract": "The published contract is trimmed: it lacks the list of a contact's tags, "
        "without which a tag cannot be taken off, and the page size of contacts and webhooks; "
        "everything else is validated in tests/connectors/activecampaign."
    },
    known_limits=(
        "Webhooks are not signed: subscriptions and changes only ring for the poll; "
        "unsubscriptions and bounces are told at once, on the word in the address.",
        "ActiveCampaign does not repeat a webhook that failed, and sends none for mass changes "
        "and imports: the poll finds those.",
        "An unsubscription from any list counts as one from e-mails, unless the connection has "
        "a list of its own.",
        "Opt-ins are told by the poll alone, and only for the list that the connection names; a "
        "subscription that leaves the contact's time of update as it was is not seen.",
        "Whether updated_after is read to the second or to the day is unconfirmed: what is too "
        "old is left out here, and may be asked for again.",
        "Membership of a segment is a tag; lists are subscriptions and change on a person's own "
        "act alone.",
        "Custom fields have to exist: an unknown one is refused with its personalisation tag.",
        "An automation takes no data: what comes with an entry is written to the contact's "
        "fields first. A lost entry is looked for by automation and time, so of two entries of "
        "one person at once the second may be taken for the first.",
        "Events carry no time of their own and count when they arrive; a lost answer cannot be "
        "looked up, so a person decides whether to send one again.",
        "Contacts are written one a call: the bulk import tells no outcome per contact.",
    ),
)
