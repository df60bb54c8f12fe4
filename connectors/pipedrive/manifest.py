"""What the Pipedrive connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Contract, Limit, Manifest
from connectors.pipedrive.account import PipedriveAccount
from connectors.pipedrive.actions import ACTIONS
from connectors.pipedrive.polling import POLL
from connectors.pipedrive.subscriptions import SUBSCRIPTIONS
from connectors.pipedrive.triggers import WEBHOOK
from connectors.pipedrive.version import API_VERSION, V1, V2

if TYPE_CHECKING:
    from connectors.pipedrive.client import PipedriveClient


def _connect(account: Any) -> PipedriveClient:
    from connectors.pipedrive.client import PipedriveClient

    return PipedriveClient(account)


MANIFEST = Manifest(
    slug="pipedrive",
    name="Pipedrive",
    docs_url="https://developers.pipedrive.com/docs/api/v1",
    api_version=API_VERSION,
    owner="loyalty-hub",
    account=PipedriveAccount,
    limit=Limit(
        burst=4,
        per_second=2.0,
        source="pipedrive.readme.io/docs/core-api-concepts-rate-limiting: bursts are counted over "
        "two seconds, 10 for searches on the smallest plan; an action makes two calls or more",
        scope="account",
        concurrency=4,
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    poll=POLL,
    subscriptions=SUBSCRIPTIONS,
    auth="a user's API token; webhooks by HTTP Basic",
    scopes=("contacts:full", "deals:full", "activities:full", "search:read", "webhooks:full"),
    data_classes=("name", "email", "phone"),
    contracts=(
        Contract("specs/pipedrive/openapi.json", V2),
        Contract("specs/pipedrive/openapi.v1.json", V1),
    ),
    known_limits=(
        "Pipedrive signs nothing: a webhook only rings, and the poll tells what happened.",
        "Its webhooks are tried four times within minutes and deleted after three days without "
        "success: what was missed is found by the poll, and the webhook is made again.",
        "There is no batch: a contact costs a search and a write, about 25 tokens of the company's "
        "daily budget (30,000 for each seat on the smallest plan).",
        "The headers that say when the budget is full again are not documented.",
        "The search lags behind: the same new address twice within seconds, or sent again after a "
        "lost answer, may become two persons.",
        "A lost deal, activity or note is looked for among the person's 100 newest, by a mark that "
        "stands in its title or text.",
        "A won deal is told once, as an activity; its value moves no money, and reopening it is "
        "not told.",
        "Persons that were deleted are not told.",
        "What the hub writes changes the person, and is told as an update: a rule that answers "
        "updates by writing must come to an end by itself.",
        "Labels are written as a whole list: one that somebody adds between our reading and "
        "writing is lost.",
        "Consent is read only where the setting says that the company has Campaigns; it is never "
        "written.",
    ),
)
