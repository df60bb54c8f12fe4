"""Sends a fan-out with the hub's own senders, over HTTP, as the story's clock moves on.

Between two steps the clock goes from one instant at which something is due to the next, so that
pauses between attempts are as long as they would be.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from pydantic import SecretStr

from deployments.scenario.engine import OWNER
from deployments.scenario.messages import Vendor
from deployments.scenario.targets import CONNECTORS, TargetClients, Targets, slugs_of
from deployments.scenario.window import Window
from flows.runtime import Hub
from flows.sending import Sender, budget_name
from flows.terms import Terms
from loyalty.settings import HubSettings
from loyalty.store import budgets, deliveries
from loyalty.store.database import Database
from loyalty.store.deliveries import Delivery
from loyalty.store.vault import Vault


class PostOffice(Vendor):
    """Hands messages to scripted targets, again and again until they are taken."""

    def __init__(self, database: Database, window: Window) -> None:
        super().__init__(database, window)
        self.targets = Targets()
        self._at: datetime | None = None

    @property
    def figures(self) -> dict[str, Any]:
        """How many messages each target took, and how often it was called."""
        return {
            "deliveries": {name: len(keys) for name, keys in self.targets.taken.items()},
            "attempts": dict(self.targets.calls),
        }

    async def hand_over(self, terms: Terms) -> None:
        """Sends what is due, from the last step's instant to this one's."""
        at = min(self._at or terms.now, terms.now)
        async with self._open() as hub:
            while at <= terms.now:
                hub.clock = _standing_at(at)
                await self._send(hub, _at(terms, at))
                following = await self._next(at)
                if following is None or following > terms.now:
                    break
                at = max(at, following)
        self._at = terms.now

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Hub]:
        """A worker's runtime whose lines lead to the targets."""
        await self.targets.open()
        clients = TargetClients(self.database, Vault(SecretStr(Fernet.generate_key().decode())))
        clients.targets = self.targets
        settings = HubSettings(home=Path(tempfile.gettempdir()))
        try:
            await clients.refresh()
            yield Hub(settings, self.database, clients.vault, clients, OWNER)
        finally:
            await clients.aclose()
            await self.targets.aclose()

    async def _send(self, hub: Hub, terms: Terms) -> None:
        by_route: dict[str, list[Delivery]] = defaultdict(list)
        async with self.database.begin() as connection:
            for slug in slugs_of(list(CONNECTORS)):
                await budgets.define(
                    connection,
                    budget_name(slug),
                    burst=1000,
                    per_second=Decimal(1000),
                    is_active=True,
                    now=terms.now,
                )
            for one in await self.ready(connection, terms):
                by_route[one.route].append(one)
        for slug, found in by_route.items():
            await _through(hub, slug, found)

    async def _next(self, at: datetime) -> datetime | None:
        async with self.window.open() as connection:
            return await deliveries.next_due(connection, now=at)


async def _through(hub: Hub, slug: str, found: Sequence[Delivery]) -> None:
    sender = Sender(hub, slug)
    for one in [*found, None]:
        sender.queue.put_nowait(one)
    await sender.run()


def _standing_at(at: datetime) -> Callable[[], datetime]:
    return lambda: at


def _at(terms: Terms, at: datetime) -> Terms:
    """The same terms at an earlier instant."""
    return replace(terms, planner=replace(terms.planner, now=at), now=at)
