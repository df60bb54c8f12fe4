"""The webhook of the base, which ends after seven days unless it is refreshed.

https://airtable.com/developers/web/api/create-a-webhook: Airtable makes the secret and tells it
once. A webhook is one for all tables, and keeps what changed whether its pings arrive or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from connectors.airtable.triggers import RECORDS
from connectors.kit.errors import ConnectorBug
from connectors.kit.paging import dig
from connectors.kit.subscriptions import Lifecycle, Subscription, Wanted

DATA = "tableData"
FILTERS = "specification.options.filters"


async def listed(client: Any) -> Sequence[Subscription]:
    """Every webhook of the base that the token may see."""
    return [_subscription(one) for one in await client.webhooks()]


async def create(client: Any, wanted: Wanted) -> Subscription:
    """Makes one for every change of records; its secret is in the answer alone."""
    filters = {"dataTypes": [DATA]}
    body = {
        "notificationUrl": wanted.address,
        "specification": {"options": {"filters": filters}},
    }
    made = await client.create_webhook(body)
    return Subscription(
        id=str(made["id"]),
        address=wanted.address,
        topics=wanted.topics,
        expires_at=_instant(made.get("expirationTime")),
        secret=SecretStr(str(made["macSecretBase64"])),
    )


async def renew(client: Any, subscription: Subscription) -> Subscription:
    """Gives it another seven days."""
    found = await client.refresh_webhook(subscription.id)
    return replace(subscription, expires_at=_instant(found.get("expirationTime")))


async def delete(client: Any, subscription_id: str) -> None:
    """Removes one; NotFound where it is gone."""
    await client.delete_webhook(subscription_id)


def watches_all(found: Mapping[str, Any]) -> bool:
    """Whether it notes every change of every record."""
    filters = dig(dict(found), FILTERS)
    if not isinstance(filters, dict) or DATA not in (filters.get("dataTypes") or ()):
        return False
    return not any(
        filters.get(name)
        for name in ("recordChangeScope", "changeTypes", "fromSources", "watchDataInFieldIds")
    )


def _subscription(found: Mapping[str, Any]) -> Subscription:
    return Subscription(
        id=str(found["id"]),
        address=str(found.get("notificationUrl") or ""),
        topics=(RECORDS,) if watches_all(found) else ("a part of the records",),
        expires_at=_instant(found.get("expirationTime")),
        is_active=found.get("isHookEnabled") is not False
        and found.get("areNotificationsEnabled") is not False,
    )


def _instant(value: Any) -> datetime | None:
    if not value:
        return None
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise ConnectorBug("Airtable's webhook ends at a time that cannot be read") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


SUBSCRIPTIONS = Lifecycle(
    topics=(RECORDS,),
    listed=listed,
    create=create,
    delete=delete,
    renew=renew,
    renew_before=timedelta(days=3),
    one_per_topic=False,
    secret_field="mac_secret",  # noqa: S106 - the name of a field
    silent_after=timedelta(days=7),
)
