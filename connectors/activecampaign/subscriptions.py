"""The account's webhooks: one for all topics.

https://developers.activecampaign.com/reference/create-webhook. They do not end by themselves;
an answer 410 switches one off. Writes of the API, ours among them, ring no bell: the poll
finds what others write that way.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from connectors.activecampaign.client import PAGE_SIZE, text_of
from connectors.activecampaign.triggers import WEBHOOK
from connectors.kit.paging import listed as list_at
from connectors.kit.subscriptions import Lifecycle, Subscription, Wanted

NAME = "Loyalty Hub"
SOURCES = ("public", "admin", "system")


async def listed(client: Any) -> Sequence[Subscription]:
    """The webhooks that bear the hub's name; others are none of its business."""
    query = {"filters[name]": NAME, "limit": PAGE_SIZE}
    found = list_at(await client.get("/webhooks", **query), "webhooks")
    return [_subscription(one) for one in found if one.get("name") == NAME]


async def create(client: Any, wanted: Wanted) -> Subscription:
    """Makes one, for all topics; of the connection's own list alone where it has one."""
    hook = {
        "name": NAME,
        "url": wanted.address,
        "events": list(wanted.topics),
        "sources": list(SOURCES),
        "listid": int(client.list_id or 0),
    }
    reply = await client.write("POST", "/webhooks", {"webhook": hook})
    return _subscription(reply.get("webhook"))


async def delete(client: Any, subscription_id: str) -> None:
    """Removes one; NotFound where it is gone."""
    await client.delete(f"/webhooks/{subscription_id}")


def _subscription(hook: Any) -> Subscription:
    events = hook.get("events") if isinstance(hook, dict) else None
    topics = tuple(str(one) for one in events) if isinstance(events, list) else ()
    return Subscription(id=text_of(hook, "id"), address=text_of(hook, "url"), topics=topics)


SUBSCRIPTIONS = Lifecycle(
    topics=tuple(WEBHOOK.triggers),
    listed=listed,
    create=create,
    delete=delete,
    one_per_topic=False,
    silent_after=timedelta(days=7),
)
