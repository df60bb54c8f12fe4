"""The shop's webhooks: https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks.

They have no end, but WooCommerce switches one off after five failures in a row
(`WC_Webhook::failed_delivery`), and sends nothing again: such a one is removed and made anew.
A webhook never tells its secret, so all of ours get the account's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from connectors.kit.subscriptions import Lifecycle, Subscription, Wanted
from connectors.woocommerce.records import id_of
from connectors.woocommerce.triggers import WEBHOOK


async def listed(client: Any) -> Sequence[Subscription]:
    """Every webhook of the shop, wherever it leads."""
    return [_subscription(one) for one in await client.webhooks()]


async def create(client: Any, wanted: Wanted) -> Subscription:
    """Makes one, for one topic, signed with the secret that the hub verifies with."""
    (topic,) = wanted.topics
    secret = wanted.secret or client.webhook_secret
    made = await client.create_webhook(
        {
            "name": f"Loyalty Hub: {topic}",
            "topic": topic,
            "delivery_url": wanted.address,
            "secret": secret.get_secret_value(),
            "status": "active",
        }
    )
    return _subscription(made)


async def delete(client: Any, subscription_id: str) -> None:
    """Removes one; NotFound where it is gone."""
    await client.delete_webhook(subscription_id)


def _subscription(record: Any) -> Subscription:
    return Subscription(
        id=id_of(record),
        address=str(record.get("delivery_url", "")),
        topics=(str(record.get("topic", "")),),
        is_active=record.get("status") == "active",
    )


SUBSCRIPTIONS = Lifecycle(
    topics=tuple(WEBHOOK.triggers),
    listed=listed,
    create=create,
    delete=delete,
    silent_after=timedelta(days=3),
)
