"""What the Zendesk connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Contract, Limit, Manifest
from connectors.zendesk.account import ZendeskAccount
from connectors.zendesk.actions import ACTIONS
from connectors.zendesk.subscriptions import SUBSCRIPTIONS
from connectors.zendesk.triggers import WEBHOOK

if TYPE_CHECKING:
    from connectors.zendesk.client import ZendeskClient


def _connect(account: Any) -> ZendeskClient:
    from connectors.zendesk.client import ZendeskClient

    return ZendeskClient(account)


MANIFEST = Manifest(
    slug="zendesk",
    name="Zendesk",
    docs_url="https://developer.zendesk.com/api-reference/ticketing/introduction/",
    api_version="v2",
    owner="loyalty-hub",
    account=ZendeskAccount,
    limit=Limit(
        burst=20,
        per_second=3.0,
        source="developer.zendesk.com/api-reference/introduction/rate-limits: 200 a minute on the "
        "Team plan, the smallest, 10 % left free",
        scope="account",
        concurrency=4,
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    subscriptions=SUBSCRIPTIONS,
    auth="API token of an agent (HTTP Basic); webhooks signed with their own secret",
    scopes=("tickets:read", "tickets:write", "users:read", "users:write", "webhooks:write"),
    data_classes=("name", "email", "phone", "message text"),
    contracts=(Contract("contracts/zendesk.json"),),
    exempt={
        "contract": "The published contract has webhooks below another root than the rest, and "
        "leaves tags, telephone and fields of users out of their requests; everything else is "
        "validated in tests/connectors/zendesk."
    },
    known_limits=(
        "Zendesk keeps an idempotency key for two hours and for new tickets alone; so a ticket "
        "and a note carry a mark, which is looked for before a resend.",
        "A note is looked for among the first hundred comments of its ticket.",
        "Tickets are opened with an internal note and notes are never public: nobody outside the "
        "team is written to.",
        "A user's tags are read and written whole: of two changes at the same moment one may be "
        "lost.",
        "New users are limited to one a second by Zendesk, updates of one ticket to 30 in ten "
        "minutes; both are met with a pause.",
        "No tolerance is published for the signed time: half an hour is taken.",
        "Events of agents and admins, and of tickets without a requester, are ignored.",
        "A field's change tells which field it was, not its value; the payload's shape differs "
        "by the kind of field.",
        "Webhooks that failed are repeated for minutes only, and nothing is polled: what is "
        "missed for longer is not told.",
        "Users are written one a call: the bulk endpoints answer with a job and no outcome.",
    ),
)
