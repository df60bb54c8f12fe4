"""The pinned version of Square's API, where it answers, and what a record of its is."""

from __future__ import annotations

from typing import Any

from connectors.kit.errors import ConnectorBug

API_VERSION = "2025-08-20"
LOCATIONS = "/v2/locations"
LOYALTY = "/v2/loyalty"
SUBSCRIPTIONS = "/v2/webhooks/subscriptions"
Record = dict[str, Any]


def id_of(record: Any) -> str:
    """The id of a record; ConnectorBug where it has none."""
    found = record.get("id") if isinstance(record, dict) else None
    if not isinstance(found, str) or not found:
        raise ConnectorBug("Square's answer has no id")
    return found
