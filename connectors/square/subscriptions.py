"""The application's webhook subscription: one carries all topics.

https://developer.squareup.com/docs/webhooks/webhook-subscriptions-api. Square makes the
signature key and disables a subscription after three weeks without a success; a new one has a
new key. The API takes the application's own access token, no seller's OAuth token.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from pydantic import SecretStr

from connectors.kit.subscriptions import Lifecycle, Subscription, Wanted
from connectors.square.records import API_VERSION, id_of
from connectors.square.records import SUBSCRIPTIONS as PATH
from connectors.square.triggers import WEBHOOK


async def listed(client: Any) -> Sequence[Subscription]:
    """Every subscription of the application, the disabled ones too."""
    found: list[Subscription] = []
    async for page in client.pages(PATH, "subscriptions", query={"include_disabled": "true"}):
        found += [_subscription(one) for one in page]
    return found


async def create(client: Any, wanted: Wanted) -> Subscription:
    """Makes one for all topics. Its key is fresh: an old one would answer with what is gone."""
    body = {
        "idempotency_key": str(uuid4()),
        "subscription": {
            "name": "Loyalty Hub",
            "event_types": list(wanted.topics),
            "notification_url": wanted.address,
            "api_version": API_VERSION,
        },
    }
    made = (await client.post(PATH, body)).get("subscription")
    return _subscription(made, secret=made.get("signature_key") if made else None)


async def delete(client: Any, subscription_id: str) -> None:
    """Removes one; NotFound where it is gone."""
    await client.delete(f"{PATH}/{quote(subscription_id, safe='')}")


def _subscription(record: Any, *, secret: str | None = None) -> Subscription:
    return Subscription(
        id=id_of(record),
        address=str(record.get("notification_url") or ""),
        topics=tuple(record.get("event_types") or ()),
        is_active=record.get("enabled") is not False,
        secret=SecretStr(secret) if secret else None,
    )


SUBSCRIPTIONS = Lifecycle(
    topics=tuple(WEBHOOK.triggers),
    listed=listed,
    create=create,
    delete=delete,
    one_per_topic=False,
    secret_field="signature_key",  # noqa: S106 - the name of a field
    silent_after=timedelta(days=3),
)
