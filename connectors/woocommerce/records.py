"""Where wc/v3 answers, and what a record of its is."""

from __future__ import annotations

from typing import Any

from connectors.kit.errors import ConnectorBug

API = "/wp-json/wc/v3"
Record = dict[str, Any]


def id_of(record: Any) -> str:
    """The id of a record, as text; ConnectorBug where it has none."""
    found = record.get("id") if isinstance(record, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | str) or not str(found).isdigit():
        raise ConnectorBug("WooCommerce's answer has no id")
    return str(found)
