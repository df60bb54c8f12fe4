"""The account's webhooks: one for all events.

https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/. They do not end by
themselves; one that fails much is not called for a while. The secret is asked for after the
creation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from connectors.kit.errors import ConnectorBug
from connectors.kit.paging import dig
from connectors.kit.subscriptions import Lifecycle, Subscription, Wanted
from connectors.zendesk.triggers import WEBHOOK


async def listed(client: Any) -> Sequence[Subscription]:
    """Every webhook of the account, all pages; those of triggers and automations among them."""
    return [_subscription(one) for one in await client.webhooks()]


async def create(client: Any, wanted: Wanted) -> Subscription:
    """Makes one, and asks for the secret that it signs with."""
    hook = {
        "name": "Loyalty Hub",
        "endpoint": wanted.address,
        "http_method": "POST",
        "request_format": "json",
        "status": "active",
        "subscriptions": list(wanted.topics),
    }
    reply = await client.write("POST", "/webhooks", {"webhook": hook})
    made = _subscription(dig(reply, "webhook"))
    secret = dig(await client.get(f"/webhooks/{made.id}/signing_secret"), "signing_secret.secret")
    if not isinstance(secret, str) or not secret:
        raise ConnectorBug("Zendesk's answer holds no signing secret")
    return replace(made, secret=SecretStr(secret))


async def delete(client: Any, subscription_id: str) -> None:
    """Removes one; NotFound where it is gone."""
    await client.delete(f"/webhooks/{subscription_id}")


def _subscription(hook: Any) -> Subscription:
    if not isinstance(hook, dict) or not isinstance(hook.get("id"), str):
        raise ConnectorBug("Zendesk's answer has a webhook without an id")
    topics = hook.get("subscriptions")
    return Subscription(
        id=hook["id"],
        address=str(hook.get("endpoint", "")),
        topics=tuple(str(one) for one in topics) if isinstance(topics, list) else (),
        is_active=hook.get("status") == "active",
    )


SUBSCRIPTIONS = Lifecycle(
    topics=tuple(WEBHOOK.triggers),
    listed=listed,
    create=create,
    delete=delete,
    one_per_topic=False,
    secret_field="signing_secret",  # noqa: S106 - the name of a field
    silent_after=timedelta(days=7),
)
