"""Customers of a shop, as Shopify tells of them. Nobody in here exists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

SHOP = "shopify/main"
LONG_AGO = datetime(2025, 3, 1, 9, 0, tzinfo=UTC)


def told(number: int, **more: Any) -> dict[str, Any]:
    """A customer's record."""
    at = (LONG_AGO + timedelta(minutes=number)).isoformat()
    return {
        "id": 9000 + number,
        "email": f"customer-{number}@shop.example",
        "first_name": f"Customer {number}",
        "last_name": "Berg",
        "created_at": at,
        "updated_at": at,
        "email_marketing_consent": {"state": "subscribed"},
        **more,
    }
