"""The audience's webhook: one for all topics, signed with a secret that Mailchimp tells once.

https://mailchimp.com/developer/marketing/api/list-webhooks/add-webhook/. It listens to people
and to the team, not to the API: what the hub writes must not come back to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from connectors.kit.errors import ConnectorBug
from connectors.kit.subscriptions import Lifecycle, Subscription, Wanted
from connectors.mailchimp.triggers import WEBHOOK

TOPICS = tuple(WEBHOOK.triggers)
EVENTS = ("subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign")
SOURCES = {"user": True, "admin": True, "api": False}


async def listed(client: Any) -> Sequence[Subscription]:
    """Every webhook of the audience; Mailchimp lists them on one page."""
    return [_subscription(one) for one in await client.webhooks()]


async def create(client: Any, wanted: Wanted) -> Subscription:
    """Makes one. Without its secret it would be deaf, so it is taken back then."""
    events = {name: name in wanted.topics for name in EVENTS}
    reply = await client.create_webhook(
        {"url": wanted.address, "events": events, "sources": SOURCES}
    )
    made = _subscription(reply)
    secret = reply.get("signing_secret")
    if not isinstance(secret, str) or not secret:
        await client.delete_webhook(made.id)
        raise ConnectorBug("Mailchimp made a webhook and told no signing secret")
    return Subscription(made.id, made.address, made.topics, secret=SecretStr(secret))


async def delete(client: Any, subscription_id: str) -> None:
    """Removes one; NotFound where it is gone."""
    await client.delete_webhook(subscription_id)


def _subscription(hook: Any) -> Subscription:
    if not isinstance(hook, dict) or not hook.get("id"):
        raise ConnectorBug("Mailchimp's answer has a webhook without an id")
    events, sources = hook.get("events"), hook.get("sources")
    on = [name for name, is_on in events.items() if is_on] if isinstance(events, dict) else []
    is_ours = isinstance(sources, dict) and all(
        bool(sources.get(name)) is is_on for name, is_on in SOURCES.items()
    )
    return Subscription(
        id=str(hook["id"]),
        address=str(hook.get("url") or ""),
        topics=tuple(on),
        is_active=is_ours and hook.get("signing_enabled") is not False,
    )


SUBSCRIPTIONS = Lifecycle(
    topics=TOPICS,
    listed=listed,
    create=create,
    delete=delete,
    one_per_topic=False,
    secret_field="webhook_secret",  # noqa: S106 - the name of a field
    silent_after=timedelta(days=7),
)
