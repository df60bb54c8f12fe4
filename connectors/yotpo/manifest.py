"""What the Yotpo Loyalty connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Contract, Limit, Manifest
from connectors.yotpo.account import YotpoAccount
from connectors.yotpo.actions import ACTIONS
from connectors.yotpo.polling import POLL
from connectors.yotpo.triggers import WEBHOOK

if TYPE_CHECKING:
    from connectors.yotpo.client import YotpoClient


def _connect(account: Any) -> YotpoClient:
    from connectors.yotpo.client import YotpoClient

    return YotpoClient(account)


MANIFEST = Manifest(
    slug="yotpo",
    name="Yotpo Loyalty",
    docs_url="https://loyaltyapi.yotpo.com/reference/welcome",
    api_version="v2",
    owner="loyalty-hub",
    account=YotpoAccount,
    limit=Limit(
        burst=5,
        per_second=5.0,
        source="a gentle number of our own: Yotpo documents no limit for the loyalty API",
        scope="account",
        concurrency=4,
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    poll=POLL,
    auth="GUID and API key; webhooks proven by a token in their address",
    data_classes=("name", "email", "phone", "points"),
    contracts=(Contract("specs/yotpo/openapi.json", "/api/v2"),),
    exempt={
        "subscriptions": "Yotpo Loyalty's one webhook address is entered by a person in its "
        "settings; there is no API for it.",
        "contract": "The only contract there is was derived by hand and lacks the list of "
        "recently updated customers that polling needs; every other call is validated against "
        "it in tests/connectors/yotpo.",
    },
    known_limits=(
        "Neither a signature nor the bodies of loyalty webhooks are documented: they only ring, "
        "and the customers' histories are read over the API.",
        "How Yotpo sends its webhook authentication is not documented: the token in the address "
        "is always required, and a header can be required on top.",
        "A poll makes one call for each recently changed customer, up to recent_customers.",
        "The shapes of a history's lines, of replies to writes and of the list of recent "
        "customers are not fully documented and are read leniently.",
        "An action that was backdated by more than an hour before the last look is not told.",
        "What the hub did itself is known in a history by the mark in its title, which the "
        "customer sees too.",
        "A lost answer is looked up in the history, which may follow late; an action that no "
        "campaign rewards leaves no trace there and is sent again, which gives nothing.",
        "A redemption takes no idempotency key: after a lost answer a person looks before it is "
        "sent again.",
        "Of a record's properties only id, country_iso_code and tags have a place at Yotpo.",
        "Callbacks that ask the shop to create or cancel a coupon are not answered.",
    ),
)
