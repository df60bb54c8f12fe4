"""The webhooks of the company, which Pipedrive deletes after three days without success.

https://developers.pipedrive.com/docs/api/v1/Webhooks: one for each kind of record, of every
action, since what happened is asked by the poll anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from connectors.kit.errors import ConnectorBug
from connectors.kit.subscriptions import Lifecycle, Subscription, Wanted
from connectors.pipedrive.triggers import USER, WEBHOOK

EVERY = "*"
VERSION = "2.0"


async def listed(client: Any) -> Sequence[Subscription]:
    """Every webhook that the token's user may see."""
    return [_subscription(one) for one in await client.webhooks()]


async def create(client: Any, wanted: Wanted) -> Subscription:
    """Makes one, for one kind of record."""
    (topic,) = wanted.topics
    body = {
        "name": f"Loyalty Hub: {topic}",
        "subscription_url": wanted.address,
        "event_action": EVERY,
        "event_object": topic,
        "version": VERSION,
        "http_auth_user": USER,
        "http_auth_password": client.account.hook_password.get_secret_value(),
    }
    return _subscription(await client.create_webhook(body))


async def delete(client: Any, subscription_id: str) -> None:
    """Removes one; NotFound where it is gone."""
    await client.delete_webhook(subscription_id)


def _subscription(found: Any) -> Subscription:
    if not isinstance(found, dict) or not found.get("id"):
        raise ConnectorBug("Pipedrive's webhook has no id")
    kind, action = str(found.get("event_object", "")), str(found.get("event_action", ""))
    return Subscription(
        id=str(found["id"]),
        address=str(found.get("subscription_url", "")),
        # One that hears a single action is none of ours as it should be.
        topics=(kind if action == EVERY else f"{action}.{kind}",),
        is_active=found.get("is_active") in (1, True) and not found.get("remove_time"),
    )


SUBSCRIPTIONS = Lifecycle(
    topics=tuple(WEBHOOK.triggers),
    listed=listed,
    create=create,
    delete=delete,
    silent_after=timedelta(days=2),
)
