"""What the QuickBooks Online connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Contract, Limit, Manifest
from connectors.quickbooks.account import QuickbooksAccount
from connectors.quickbooks.actions import ACTIONS
from connectors.quickbooks.polling import POLL
from connectors.quickbooks.triggers import WEBHOOK

if TYPE_CHECKING:
    from connectors.kit.oauth import TokenStore
    from connectors.quickbooks.client import QuickbooksClient


def _connect(account: Any) -> QuickbooksClient:
    from connectors.quickbooks.client import QuickbooksClient

    return QuickbooksClient(account)


def _connect_with(account: Any, tokens: TokenStore) -> QuickbooksClient:
    from connectors.quickbooks.client import QuickbooksClient

    return QuickbooksClient(account, tokens)


MANIFEST = Manifest(
    slug="quickbooks",
    name="QuickBooks Online",
    docs_url="https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities",
    api_version="v3, minor version 75",
    owner="loyalty-hub",
    account=QuickbooksAccount,
    limit=Limit(
        burst=9,
        per_second=7.5,
        source="developer.intuit.com/app/developer/qbo/docs/learn/limits-and-throttles: 500 a "
        "minute for each company, 10 a second for each app, 10 % left free",
        scope="connection",
        concurrency=8,
    ),
    connect=_connect,
    connect_with=_connect_with,
    actions=ACTIONS,
    webhook=WEBHOOK,
    poll=POLL,
    auth="OAuth 2 with rotating refresh tokens; webhooks signed with the app's verifier token",
    scopes=("com.intuit.quickbooks.accounting",),
    data_classes=("name", "email", "phone", "address", "order", "payment"),
    contracts=(Contract("specs/quickbooks/openapi.json"),),
    exempt={
        "contract": "The published contract has no token endpoint, which every call begins with; "
        "all other traffic is validated in tests/connectors/quickbooks.",
        "subscriptions": "Intuit's webhooks are set up in the developer portal by a person: the "
        "API has no call for it.",
    },
    known_limits=(
        "Receipts that the hub booked are known by their private note and told to nobody; if "
        "somebody removes the note, the sale counts again.",
        "Where the shop tells the same sales, receipts of others have to be switched off "
        "(tells_sales), or they count twice.",
        "A receipt that was booked before the poll began is no new sale: when it is changed, the "
        "change waits for a sale that the hub does not know.",
        "Refund receipts and credit memos name no sale that they take back: they are not told, "
        "and points are taken back by hand.",
        "Invoices and their payments are not told: a sale counts as a sales receipt only.",
        "A deleted receipt is told by the webhook alone; a voided one by the poll as well.",
        "QuickBooks works out taxes itself where automated sales tax is on: a total that comes "
        "out otherwise is reported with the booking.",
        "How long Intuit remembers a request id is not documented; so a receipt is looked for by "
        "its number and mark before it is sent again.",
        "An order's number has 21 characters at the most; of a longer one the end is kept.",
        "A customer is found by number or e-mail; where several share an address, the receipt "
        "has the address and no customer.",
        "An app sends the webhooks of all its companies to one address: other companies' are "
        "refused, and each company needs an app of its own.",
        "The minor version and the lifetime of refresh tokens are taken from common use: the "
        "documentation at hand does not name them.",
    ),
)
