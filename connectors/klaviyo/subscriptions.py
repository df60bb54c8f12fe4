"""The account's webhook: one for all topics, signed with the word that the account chose.

https://developers.klaviyo.com/en/reference/create_webhook. Klaviyo shows addresses cut short, so
the hub writes the whole address into the description. Which topics there are depends on what an
account uses: asked for are those it has, and the poll tells of the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from connectors.kit.errors import ConnectorBug, InvalidRequest, RateLimited
from connectors.kit.paging import dig
from connectors.kit.subscriptions import Lifecycle, Subscription, Wanted
from connectors.klaviyo.triggers import WEBHOOK

TOPICS = tuple(WEBHOOK.triggers)
NAME = "Loyalty Hub"
MIN_SECRET = 16
TRIES = 3
LONGEST_PAUSE = timedelta(seconds=5)


async def listed(client: Any) -> Sequence[Subscription]:
    """Every webhook of the account; Klaviyo lists them on one page."""
    reply = await _call(
        client, "get_webhooks", expect=(200,), writes=False, include=["webhook-topics"]
    )
    data = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(data, list):
        raise ConnectorBug("Klaviyo's reply lists no webhooks")
    return [_subscription(one) for one in data]


async def create(client: Any, wanted: Wanted) -> Subscription:
    """Makes one for those of the topics that the account has."""
    secret = wanted.secret or client.account.webhook_secret
    if secret is None or len(secret.get_secret_value()) < MIN_SECRET:
        raise InvalidRequest(
            f"a webhook secret of at least {MIN_SECRET} characters is needed: enter one in the "
            "connection's credentials"
        )
    offered = await _topics(client)
    topics = [topic for topic in wanted.topics if topic in offered]
    if not topics:
        raise InvalidRequest("this account offers none of the topics: it is polled instead")
    attributes = {
        "name": NAME,
        "description": wanted.address,
        "endpoint_url": wanted.address,
        "secret_key": secret.get_secret_value(),
    }
    named = {"data": [{"type": "webhook-topic", "id": topic} for topic in topics]}
    hook = {
        "type": "webhook",
        "attributes": attributes,
        "relationships": {"webhook-topics": named},
    }
    reply = await _call(client, "create_webhook", {"data": hook}, expect=(201,))
    made = _subscription(dig(reply, "data"))
    return Subscription(made.id, wanted.address, wanted.topics)


async def delete(client: Any, subscription_id: str) -> None:
    """Removes one; NotFound where it is gone."""
    await _call(client, "delete_webhook", subscription_id, expect=(204,))


async def _topics(client: Any) -> set[str]:
    reply = await _call(client, "get_webhook_topics", expect=(200,), writes=False)
    data = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(data, list):
        raise ConnectorBug("Klaviyo's reply lists no topics of webhooks")
    return {str(one.get("id")) for one in data if isinstance(one, dict)}


async def _call(client: Any, method: str, *args: Any, **params: Any) -> Any:
    """These endpoints take one call a second: a short pause that Klaviyo asks for is kept."""
    for _ in range(TRIES):
        try:
            return (await client.call("Webhooks", method, *args, **params))[1]
        except RateLimited as error:
            if error.retry_after is None or error.retry_after > LONGEST_PAUSE:
                raise
            await asyncio.sleep(error.retry_after.total_seconds())
    return (await client.call("Webhooks", method, *args, **params))[1]


def _subscription(hook: Any) -> Subscription:
    attributes = hook.get("attributes") if isinstance(hook, dict) else None
    if not isinstance(attributes, Mapping) or not hook.get("id"):
        raise ConnectorBug("Klaviyo's reply has a webhook without an id")
    is_ours = attributes.get("name") == NAME
    address = attributes.get("description") if is_ours else attributes.get("endpoint_url")
    named = dig(hook, "relationships.webhook-topics.data")
    topics = tuple(
        str(one.get("id"))
        for one in (named if isinstance(named, list) else ())
        if isinstance(one, dict)
    )
    # What an account does not have cannot be subscribed: a part of ours is all of it.
    is_whole = is_ours and bool(topics) and set(topics) <= set(TOPICS)
    return Subscription(
        id=str(hook["id"]),
        address=str(address or ""),
        topics=TOPICS if is_whole else topics,
        is_active=attributes.get("enabled") is not False,
    )


SUBSCRIPTIONS = Lifecycle(
    topics=TOPICS,
    listed=listed,
    create=create,
    delete=delete,
    one_per_topic=False,
)
