"""What the Salesforce Marketing Cloud connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Contract, Limit, Manifest
from connectors.salesforce.account import SalesforceAccount
from connectors.salesforce.actions import ACTIONS
from connectors.salesforce.subscriptions import SUBSCRIPTIONS
from connectors.salesforce.triggers import WEBHOOK

if TYPE_CHECKING:
    from connectors.kit.oauth import TokenStore
    from connectors.salesforce.client import SalesforceClient


def _connect(account: Any) -> SalesforceClient:
    from connectors.salesforce.client import SalesforceClient

    return SalesforceClient(account)


def _connect_with(account: Any, tokens: TokenStore) -> SalesforceClient:
    from connectors.salesforce.client import SalesforceClient

    return SalesforceClient(account, tokens)


MANIFEST = Manifest(
    slug="salesforce",
    name="Salesforce Marketing Cloud",
    docs_url="https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/apis-overview.html",
    api_version="v1",
    owner="loyalty-hub",
    account=SalesforceAccount,
    limit=Limit(
        burst=10,
        per_second=5.0,
        source="developer.salesforce.com, rate-limiting-best-practices: no number is published "
        "and throttling is dynamic; 5 a second is our own caution",
        scope="account",
        concurrency=4,
    ),
    connect=_connect,
    connect_with=_connect_with,
    actions=ACTIONS,
    webhook=WEBHOOK,
    subscriptions=SUBSCRIPTIONS,
    auth="OAuth 2 client credentials of a server-to-server package; notifications signed with "
    "the callback's key",
    scopes=(
        "audiences_read",
        "audiences_write",
        "journeys_read",
        "list_and_subscribers_read",
        "email_send",
        "data_extensions_read",
        "data_extensions_write",
        "event_notification_callback_create",
        "event_notification_callback_read",
        "event_notification_callback_update",
        "event_notification_subscription_create",
        "event_notification_subscription_read",
        "event_notification_subscription_delete",
    ),
    data_classes=("name", "email", "phone", "message text"),
    contracts=(Contract("specs/sfmc/openapi.extras.json"),),
    exempt={
        "contract": "Transactional messages are published as Swagger 2.0, which the suite does "
        "not read, and notifications and the token's context not at all; the rest and the "
        "messages are validated in tests/connectors/salesforce."
    },
    known_limits=(
        "A journey's entry event takes no key and cannot be looked for: after a lost answer a "
        "person decides whether to fire it again.",
        "The shape of the contacts API is unconfirmed: a contact is changed first and made where "
        "that is refused; names and properties need an attribute set.",
        "E-mails go through one send definition, whose template shows the attributes Subject, "
        "Html and Text; the vendor's own unsubscribe header is the template's.",
        "A message key that was used is refused; whether it was ours is asked of the message's "
        "status, which the vendor limits.",
        "No limit is published; 429 with 50200 names no time, so a minute is waited.",
        "Notifications tell of e-mails alone, those of journeys among them; a journey itself "
        "has nothing to tell unless it calls a webhook of its own.",
        "An e-mail that was sent counts as delivered, since Marketing Cloud reports no delivery.",
        "A notification that names neither an address nor a key that is one is left out.",
        "A callback is verified by a key that a person copies from the gateway's log.",
        "What a bounce calls its kind is unconfirmed: only where the word hard stands in it, the "
        "address counts as bad for good.",
    ),
)
