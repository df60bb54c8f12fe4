"""Marks a connection as refused by its vendor: for all workers, once, with one alert."""

from __future__ import annotations

from typing import Any

from loyalty.store import connections


async def refuse(hub: Any, slug: str, reason: str) -> bool:
    """Pauses the connection until its credentials are renewed; its deliveries and polls wait.

    Returns:
        Whether this was the first to find out: only then somebody is to be told.
    """
    connector, _, name = slug.partition("/")
    is_first: bool = await hub.database.persist(
        lambda connection: connections.set_state(
            connection,
            connector,
            name,
            state="refused",
            reason=reason,
            now=hub.clock(),
            unless=("paused", "absent"),
        )
    )
    return is_first
