"""The webhooks of the API account: one for each scope, ten at the most for one scope.

https://developer.bigcommerce.com/docs/rest-management/webhooks. BigCommerce switches one off
after 48 hours of failures, or after 90 days in which nothing happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from connectors.bigcommerce.triggers import WEBHOOK
from connectors.kit.errors import ConnectorBug
from connectors.kit.subscriptions import Lifecycle, Subscription, Wanted


async def listed(client: Any) -> Sequence[Subscription]:
    """Every webhook that this API account made."""
    return [_subscription(one) for one in await client.hooks()]


async def create(client: Any, wanted: Wanted) -> Subscription:
    """Makes one, for one scope."""
    (scope,) = wanted.topics
    return _subscription(await client.create_hook(scope, wanted.address))


async def delete(client: Any, subscription_id: str) -> None:
    """Removes one; NotFound where it is gone."""
    await client.delete_hook(subscription_id)


def _subscription(found: Any) -> Subscription:
    if not isinstance(found, dict) or type(found.get("id")) is not int:
        raise ConnectorBug("BigCommerce's webhook has no id")
    return Subscription(
        id=str(found["id"]),
        address=str(found.get("destination", "")),
        topics=(str(found.get("scope", "")),),
        is_active=found.get("is_active") is not False,
    )


SUBSCRIPTIONS = Lifecycle(
    topics=tuple(WEBHOOK.triggers),
    listed=listed,
    create=create,
    delete=delete,
    silent_after=timedelta(days=7),
)
