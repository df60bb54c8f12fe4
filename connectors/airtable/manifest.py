"""What the Airtable connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.airtable.account import AirtableAccount
from connectors.airtable.actions import ACTIONS
from connectors.airtable.polling import POLL
from connectors.airtable.subscriptions import SUBSCRIPTIONS
from connectors.airtable.triggers import WEBHOOK
from connectors.kit.manifest import Contract, Limit, Manifest

if TYPE_CHECKING:
    from connectors.airtable.client import AirtableClient


def _connect(account: Any) -> AirtableClient:
    from connectors.airtable.client import AirtableClient

    return AirtableClient(account)


MANIFEST = Manifest(
    slug="airtable",
    name="Airtable",
    docs_url="https://airtable.com/developers/web/api/introduction",
    api_version="v0",
    owner="loyalty-hub",
    account=AirtableAccount,
    limit=Limit(
        burst=4,
        per_second=4.5,
        source="support.airtable.com/docs/en/managing-api-call-limits-in-airtable: 5 calls a "
        "second on a base, 10 % left free; after 429 a pause of 30 seconds",
        scope="base",
        concurrency=4,
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    poll=POLL,
    subscriptions=SUBSCRIPTIONS,
    auth="personal access token; pings signed with a secret that Airtable makes",
    scopes=("data.records:read", "data.records:write", "webhook:manage"),
    data_classes=("name", "email", "phone"),
    contracts=(Contract("specs/airtable/openapi.json"),),
    known_limits=(
        "A ping says nothing of what changed: the poll reads it from the webhook's payloads.",
        "Whether and how often Airtable repeats a ping is not documented: the payloads keep what "
        "changed, and the poll reads them in any case.",
        "For how long payloads are kept is not confirmed; a week is taken, and after six days "
        "without a look the tables are asked themselves.",
        "Records are told as they are when they are read, so that of two changes close together "
        "the first is seen with the values of the second.",
        "Where the webhook was lost, a change is told at the time it was found, also one that the "
        "hub itself made.",
        "What the hub's own token wrote is not told otherwise, so it needs a user of its own.",
        "Records that were deleted are not told.",
        "An upsert by a column in which two rows hold the same value is refused.",
        "A record that the hub creates needs a text column for its reference; without it, it is "
        "refused.",
        "The calls of a month that the plans Free and Team allow are not counted here.",
    ),
)
