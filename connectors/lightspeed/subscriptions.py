"""The webhooks of the store. They do not end by themselves.

https://x-series-api.lightspeedhq.com/reference/createwebhook
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from connectors.kit.errors import ConnectorBug
from connectors.kit.subscriptions import Lifecycle, Subscription, Wanted
from connectors.lightspeed.triggers import WEBHOOK


async def listed(client: Any) -> Sequence[Subscription]:
    """Every webhook that the token may see; the list has no pages."""
    return [_subscription(one) for one in await client.webhooks()]


async def create(client: Any, wanted: Wanted) -> Subscription:
    """Makes one, for one type of event."""
    (topic,) = wanted.topics
    return _subscription(await client.create_webhook(topic, wanted.address))


async def delete(client: Any, subscription_id: str) -> None:
    """Removes one; NotFound where it is gone."""
    await client.delete_webhook(subscription_id)


def _subscription(found: Any) -> Subscription:
    if not isinstance(found, dict) or not found.get("id"):
        raise ConnectorBug("Lightspeed's webhook has no id")
    return Subscription(
        id=str(found["id"]),
        address=str(found.get("url", "")),
        topics=(str(found.get("type", "")),),
        is_active=found.get("active") is not False,
    )


SUBSCRIPTIONS = Lifecycle(
    topics=tuple(WEBHOOK.triggers),
    listed=listed,
    create=create,
    delete=delete,
    silent_after=timedelta(days=3),
)
