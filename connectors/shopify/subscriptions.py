"""The webhook subscriptions of the app at one shop.

https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/webhookSubscriptionCreate. They do
not end by themselves, but Shopify deletes one after eight failed deliveries in a row. The
data-protection topics are no part of this: they are set in the app's own configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from connectors.kit.errors import NotFound
from connectors.kit.subscriptions import Lifecycle, Subscription, Wanted
from connectors.shopify.customers import text_of
from connectors.shopify.triggers import COMPLIANCE, WEBHOOK

TOPICS = tuple(topic for topic in WEBHOOK.triggers if topic not in COMPLIANCE)
NAMES = {topic.replace("/", "_").upper(): topic for topic in WEBHOOK.triggers}

LIST = """
query($first: Int!, $after: String) {
  webhookSubscriptions(first: $first, after: $after) {
    nodes { id topic uri }
    pageInfo { hasNextPage endCursor }
  }
}
"""
CREATE = """
mutation($topic: WebhookSubscriptionTopic!, $webhook: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $webhook) {
    webhookSubscription { id topic uri }
    userErrors { field message }
  }
}
"""
DELETE = """
mutation($id: ID!) {
  webhookSubscriptionDelete(id: $id) {
    deletedWebhookSubscriptionId
    userErrors { field message }
  }
}
"""


async def listed(client: Any) -> Sequence[Subscription]:
    """Every subscription of the app, wherever it leads."""
    found: list[Subscription] = []
    async for nodes in client.pages(LIST, "webhookSubscriptions"):
        found += [_subscription(node) for node in nodes]
    return found


async def create(client: Any, wanted: Wanted) -> Subscription:
    """Makes one, for one topic."""
    (topic,) = wanted.topics
    variables = {
        "topic": topic.replace("/", "_").upper(),
        "webhook": {"uri": wanted.address, "format": "JSON"},
    }
    data = await client.mutate(CREATE, variables)
    return _subscription(data["webhookSubscriptionCreate"].get("webhookSubscription"))


async def delete(client: Any, subscription_id: str) -> None:
    """Removes one; NotFound where it is gone."""
    data = await client.mutate(DELETE, {"id": subscription_id})
    if not data["webhookSubscriptionDelete"].get("deletedWebhookSubscriptionId"):
        raise NotFound("Shopify has no such webhook subscription")


def _subscription(node: Any) -> Subscription:
    topic = text_of(node, "topic")
    return Subscription(
        id=text_of(node, "id"),
        address=text_of(node, "uri"),
        topics=(NAMES.get(topic, topic),),
    )


SUBSCRIPTIONS = Lifecycle(
    topics=TOPICS,
    listed=listed,
    create=create,
    delete=delete,
    silent_after=timedelta(days=3),
)
