"""What the Segment connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Contract, Limit, Manifest
from connectors.segment.account import SegmentAccount
from connectors.segment.actions import ACTIONS
from connectors.segment.triggers import WEBHOOK

if TYPE_CHECKING:
    from connectors.segment.client import SegmentClient


def _connect(account: Any) -> SegmentClient:
    from connectors.segment.client import SegmentClient

    return SegmentClient(account)


MANIFEST = Manifest(
    slug="segment",
    name="Segment",
    docs_url="https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/",
    api_version="v1",
    owner="loyalty-hub",
    account=SegmentAccount,
    limit=Limit(
        burst=100,
        per_second=100.0,
        source="segment.com/docs/connections/sources/catalog/libraries/server/http-api: 1,000 a "
        "second for each workspace, of which the hub takes a tenth",
        scope="account",
        concurrency=8,
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    auth="write key (HTTP Basic); webhooks signed with the destination's shared secret",
    data_classes=("name", "email", "phone", "points", "order"),
    contracts=(Contract("specs/segment/openapi.json"),),
    exempt={
        "subscriptions": "The webhook destination is added in Segment's app by a person: the "
        "tracking API has no call for it."
    },
    known_limits=(
        "Segment answers 200 to most of what it will not take, a wrong write key or region among "
        "it: whether messages arrive is seen in its Debugger alone.",
        "A message is sent again under the same messageId; Segment drops the second within about "
        "a day, so a resend later than that may be counted twice.",
        "Only the first message of a batch is signed: batches of more than one are refused, and "
        "the destination's batch size has to be 1.",
        "Segment repeats a webhook for four hours at the most and nothing can be polled: what is "
        "missed for longer is not told.",
        "With several addresses in one destination, one that answers ends the repeats for all: "
        "give the hub a destination of its own.",
        "Track calls are told as activities, also those that speak of orders: sales are told by "
        "the shop itself.",
        "Calls of nobody known (an anonymousId alone) are ignored, and so are the hub's own.",
        "A person without the configured id gets an anonymousId made from their address, which "
        "the hub always makes the same; nobody is aliased.",
        "Nobody leaves a group: Segment has no call for it.",
        "A deletion request names the userId alone.",
    ),
)
