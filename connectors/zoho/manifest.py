"""What the Zoho CRM connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Contract, Limit, Manifest
from connectors.zoho.account import ZohoAccount
from connectors.zoho.actions import ACTIONS
from connectors.zoho.polling import POLL
from connectors.zoho.subscriptions import SUBSCRIPTIONS
from connectors.zoho.triggers import WEBHOOK
from connectors.zoho.version import API_VERSION

if TYPE_CHECKING:
    from connectors.kit.oauth import TokenStore
    from connectors.zoho.client import ZohoClient


def _connect(account: Any) -> ZohoClient:
    from connectors.zoho.client import ZohoClient

    return ZohoClient(account)


def _connect_with(account: Any, tokens: TokenStore) -> ZohoClient:
    from connectors.zoho.client import ZohoClient

    return ZohoClient(account, tokens)


MANIFEST = Manifest(
    slug="zoho",
    name="Zoho CRM",
    docs_url="https://www.zoho.com/crm/developer/docs/api/v8/",
    api_version=API_VERSION,
    owner="loyalty-hub",
    account=ZohoAccount,
    limit=Limit(
        burst=1000,
        per_second=0.5,
        source="zoho.com/crm/developer/docs/api/v8/api-limits.html: 50,000 credits in 24 hours on "
        "the Standard plan, one credit a call assumed, 10 % left free",
        scope="account",
        concurrency=4,
    ),
    connect=_connect,
    connect_with=_connect_with,
    actions=ACTIONS,
    webhook=WEBHOOK,
    poll=POLL,
    subscriptions=SUBSCRIPTIONS,
    auth="OAuth 2 (self client, refresh token); notifications by a token of our own",
    scopes=(
        "ZohoCRM.modules.contacts.ALL",
        "ZohoCRM.modules.leads.ALL",
        "ZohoCRM.modules.deals.READ",
        "ZohoCRM.modules.notes.ALL",
        "ZohoCRM.notifications.ALL",
    ),
    data_classes=("name", "email", "phone"),
    contracts=(Contract("contracts/zohocrm.json"),),
    exempt={
        "contract": "The published facts name no module's own fields, no related lists and no "
        "tag removal: what they do name is held against them in tests/connectors/zoho.",
    },
    known_limits=(
        "Zoho signs nothing: a notification only rings, and the poll tells what happened.",
        "Which status Zoho wants to a notification, and whether it repeats one, is not "
        "documented: what was missed is found by the poll.",
        "Whether Zoho keeps the query of the notified address is not documented: the same secret "
        "is in the channel's token, and either proves a notification.",
        "Channels end after a week and are renewed two days before.",
        "A lead is told once, as an activity, when it is seen first; a lead without address and "
        "number is not told.",
        "A won deal is told once, as an activity, at the time of its last change; its amount moves "
        "no money, and taking it back to another stage is not told.",
        "Records that were deleted are not told.",
        "What the hub writes changes the record, and is told as an update of the contact: a rule "
        "that answers updates by writing must come to an end by itself.",
        "A new person without a last name gets their address as one, which Zoho demands.",
        "How long Zoho wants to be left alone after a 429 is not documented.",
        "Two upserts of a new address at the same moment may become two contacts where the e-mail "
        "field is not set to be unique.",
    ),
)
