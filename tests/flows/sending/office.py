"""A post office: plans deliveries, sends them with real Senders, and reads how they ended."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import text

from flows.clients import Clients, Line
from flows.runtime import Hub
from flows.sending import Sender, budget_name
from loyalty.settings import HubSettings
from loyalty.store import budgets, connections, deliveries, rulebook, workers
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database
from loyalty.store.deliveries import LEASE, Delivery
from loyalty.store.ids import new_id
from loyalty.store.vault import Vault
from rules import RuleSet
from tests.flows.sending import sink

_numbers = itertools.count(1)


class SinkClients(Clients):
    """Knows the sink as well, which is no connector of the house."""

    def _open(self, slug: str) -> Line:
        stored = self.stored[slug]
        if stored.connector != "sink":
            return super()._open(slug)
        assert stored.sealed is not None
        account = sink.SinkAccount.model_validate(self.vault.open(stored.sealed))
        gauge = asyncio.Semaphore(sink.MANIFEST.limit.concurrency)
        return Line(sink.MANIFEST, sink.SinkClient(account), stored.fingerprint, gauge)


@dataclass
class Office:
    """Everything around a Sender."""

    database: Database
    home: Path
    hubs: list[Hub] = field(default_factory=list)

    def hub(self, owner: str = "office") -> Hub:
        """A worker's runtime."""
        vault = Vault.of(self.home, SecretStr(""))
        clients = SinkClients(self.database, vault)
        hub = Hub(HubSettings(home=self.home), self.database, vault, clients, owner)
        self.hubs.append(hub)
        return hub

    async def connect(
        self,
        slug: str,
        account: dict[str, Any],
        *,
        burst: int = 1000,
        per_second: int = 1000,
        state: str = "active",
    ) -> None:
        """Adds a connection with its credentials and its budget, or renews it."""
        vault = Vault.of(self.home, SecretStr(""))
        now = datetime.now(UTC)
        stored = StoredConnection(
            *slug.split("/"), state, "", vault.seal(account), f"f{next(_numbers)}"
        )
        async with self.database.begin() as connection:
            await connections.put(connection, stored, now=now)
            await budgets.define(
                connection,
                budget_name(slug),
                burst=burst,
                per_second=Decimal(per_second),
                is_active=True,
                now=now,
            )

    async def plan(
        self,
        hub: Hub,
        slug: str,
        action: str,
        inputs: Sequence[dict[str, Any]],
        *,
        owner: str | None = None,
    ) -> list[Delivery]:
        """Plans deliveries and leases them to the worker, as booking does."""
        now = hub.clock()
        holder = hub.owner if owner is None else owner
        planned = [
            Delivery(
                id=new_id(now),
                key=f"k{next(_numbers)}",
                capability="webhook",
                input=one,
                state="pending",
                created_at=now,
                connector=slug.partition("/")[0],
                connection=slug.partition("/")[2],
                action=action,
                owner=holder,
                lease_until=now + LEASE if holder else None,
            )
            for one in inputs
        ]
        async with self.database.begin() as connection:
            await workers.beat(connection, hub.owner, now=now)
            return await deliveries.plan(connection, planned)

    async def beat(self, hub: Hub) -> None:
        """Says that the worker lives."""
        async with self.database.begin() as connection:
            await workers.beat(connection, hub.owner, now=hub.clock())

    async def publish(self, rules: RuleSet) -> None:
        """Puts rules in force."""
        async with self.database.begin() as connection:
            await rulebook.activate(
                connection,
                rules.version,
                rules.documents(),
                author="a",
                reason="",
                now=datetime.now(UTC),
            )

    async def take_due(self, hub: Hub, limit: int = 1000) -> list[Delivery]:
        """What the worker may send now."""
        now = hub.clock()
        async with self.database.begin() as connection:
            await workers.beat(connection, hub.owner, now=now)
            return await deliveries.take_due(connection, owner=hub.owner, limit=limit, now=now)

    async def make_due(self) -> None:
        """Lets time pass: what is parked is due, and no budget is blocked."""
        async with self.database.begin() as connection:
            await connection.execute(text("update deliveries set next_attempt_at = now()"))
            await connection.execute(text("update budgets set blocked_until = null, level = 0"))

    async def send(self, hub: Hub, slug: str, planned: Sequence[Delivery]) -> Sender:
        """Sends them and answers the Sender when it is through."""
        await hub.clients.refresh()
        sender = Sender(hub, slug)
        for one in planned:
            sender.queue.put_nowait(one)
        sender.queue.put_nowait(None)
        await asyncio.wait_for(sender.run(), 60)
        return sender

    async def resend(self, hub: Hub, slug: str) -> Sender:
        """Sends what is due, later."""
        await self.make_due()
        return await self.send(hub, slug, await self.take_due(hub))

    async def rows(self, query: str = "select * from deliveries order by id") -> list[Any]:
        """The rows of a query; by default, the deliveries."""
        async with self.database.begin() as connection:
            return list((await connection.execute(text(query))).all())

    async def states(self) -> list[str]:
        """The states of the deliveries, in order."""
        return [row.state for row in await self.rows()]
