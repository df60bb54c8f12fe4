"""Notification channels, which end after a week at the latest and are renewed before.

https://www.zoho.com/crm/developer/docs/api/v8/notifications/enable.html: we choose the channel's
number. Each of ours listens to one module, so that one topic is one subscription.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.kit.errors import ConnectorBug
from connectors.kit.subscriptions import Lifecycle, Subscription, Wanted
from connectors.zoho.triggers import OPERATIONS, WEBHOOK

LIFETIME = timedelta(days=7) - timedelta(hours=1)
"""An hour less than Zoho's longest, for clocks that differ."""


async def listed(client: Any) -> Sequence[Subscription]:
    """Every channel of this client, wherever it leads."""
    by_channel: dict[str, list[Mapping[str, Any]]] = {}
    for one in await client.channels():
        if not isinstance(one, dict) or not one.get("channel_id"):
            raise ConnectorBug("Zoho's channel has no number")
        by_channel.setdefault(str(one["channel_id"]), []).append(one)
    return [_subscription(number, parts) for number, parts in by_channel.items()]


async def create(client: Any, wanted: Wanted) -> Subscription:
    """Opens a channel for one module."""
    made = Subscription(
        id=str(10**14 + secrets.randbelow(9 * 10**14)),
        address=wanted.address,
        topics=wanted.topics,
        expires_at=_end(),
    )
    await client.watch("POST", _channel(client, made))
    return made


async def renew(client: Any, subscription: Subscription) -> Subscription:
    """Gives a channel another week."""
    longer = Subscription(
        id=subscription.id,
        address=subscription.address,
        topics=subscription.topics,
        expires_at=_end(),
    )
    await client.watch("PUT", _channel(client, longer))
    return longer


async def delete(client: Any, subscription_id: str) -> None:
    """Ends one; NotFound where it is gone."""
    await client.unwatch(subscription_id)


def _end() -> datetime:
    return (datetime.now(UTC) + LIFETIME).replace(microsecond=0)


def _channel(client: Any, wanted: Subscription) -> dict[str, Any]:
    assert wanted.expires_at is not None
    return {
        "channel_id": wanted.id,
        "notify_url": wanted.address,
        "events": [f"{module}.{what}" for module in wanted.topics for what in OPERATIONS],
        "token": client.account.hook_token.get_secret_value(),
        "channel_expiry": wanted.expires_at.isoformat(),
        "notify_on_related_action": False,
    }


def _subscription(number: str, parts: Sequence[Mapping[str, Any]]) -> Subscription:
    """A channel of several modules is told as several entries with one number."""
    heard = [str(event) for part in parts for event in part.get("events") or ()]
    modules = {event.split(".")[0] for event in heard}
    complete = {
        module
        for module in modules
        if f"{module}.all" in heard or all(f"{module}.{what}" in heard for what in OPERATIONS)
    }
    ends = [_instant(part.get("channel_expiry")) for part in parts]
    return Subscription(
        id=number,
        address=str(parts[0].get("notify_url", "")),
        # A channel that hears only a part of a module is none of ours as it should be.
        topics=tuple(sorted(complete)),
        expires_at=min((end for end in ends if end is not None), default=None),
    )


def _instant(value: Any) -> datetime | None:
    if not value:
        return None
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise ConnectorBug("Zoho's channel ends at a time that cannot be read") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


SUBSCRIPTIONS = Lifecycle(
    topics=tuple(WEBHOOK.triggers),
    listed=listed,
    create=create,
    delete=delete,
    renew=renew,
    renew_before=timedelta(days=2),
    silent_after=timedelta(days=3),
)
