"""The webhook subscriptions of the app at one shop.

https://developer.shopline.com/docs/admin-rest-api/webhook/subscribe-to-a-webhook. They do not
end by themselves, but SHOPLINE removes one after 19 failed tries within 48 hours. The
data-protection topics are no part of this: they are set in the app's own configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from connectors.kit.subscriptions import Lifecycle, Subscription, Wanted
from connectors.shopline.customers import text_of
from connectors.shopline.privacy import COMPLIANCE
from connectors.shopline.triggers import WEBHOOK
from connectors.shopline.version import API_VERSION

TOPICS = tuple(topic for topic in WEBHOOK.triggers if topic not in COMPLIANCE)


async def listed(client: Any) -> Sequence[Subscription]:
    """Every subscription of the app at the shop, wherever it leads."""
    found: list[Subscription] = []
    async for page in client.pages("/webhooks.json", "webhooks"):
        found += [_subscription(one) for one in page]
    return found


async def create(client: Any, wanted: Wanted) -> Subscription:
    """Makes one, for one topic, in the pinned version."""
    (topic,) = wanted.topics
    webhook = {"address": wanted.address, "api_version": API_VERSION, "topic": topic}
    reply = await client.send("POST", "/webhooks.json", {"webhook": webhook})
    return _subscription(reply.get("webhook"))


async def delete(client: Any, subscription_id: str) -> None:
    """Removes one; NotFound where it is gone."""
    await client.send("DELETE", f"/{subscription_id}/webhooks.json")


def _subscription(found: Any) -> Subscription:
    return Subscription(
        id=text_of(found, "id"),
        address=text_of(found, "address"),
        topics=(text_of(found, "topic"),),
    )


SUBSCRIPTIONS = Lifecycle(
    topics=TOPICS,
    listed=listed,
    create=create,
    delete=delete,
    silent_after=timedelta(days=3),
)
