"""How HubSpot takes values."""

from __future__ import annotations

from decimal import Decimal

from connectors.kit.capabilities import Scalar


def text_of(value: Scalar) -> str:
    """HubSpot takes every property as text; the empty text clears it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)
