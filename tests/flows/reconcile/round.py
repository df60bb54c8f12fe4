"""A worker's round: takes what is due, walks it, and reads what came in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.kit.registry import manifest
from connectors.kit.webhook import InboundRequest, Source
from connectors.shopify.sandbox import ShopifySandbox
from flows.batch import book_next
from flows.polling import Walked, polled, take, walk
from flows.runtime import Hub
from loyalty.events import Event
from loyalty.store import inbox, workers
from loyalty.store.inbox import Incoming
from rules.shipped import shipped_rules
from tests.flows.sending.office import Office


@dataclass
class Round:
    """One worker that asks.

    Attributes:
        ahead: How far its clock is ahead of ours.
    """

    office: Office
    hub: Hub
    ahead: timedelta = timedelta()
    since: datetime | None = None
    _began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.hub.clock = lambda: datetime.now(UTC) + self.ahead

    async def go(self, *, at_once: bool = False) -> dict[str, Walked]:
        """Walks what is due; what each walk found, by connection."""
        async with self.hub.database.begin() as connection:
            await workers.beat(connection, self.hub.owner, now=self.hub.clock())
        await self.hub.clients.refresh()
        known = polled(self.hub)
        turns = await take(self.hub, known, limit=20, at_once=at_once)
        found = await asyncio.gather(
            *(walk(self.hub, one, known[one.connection], since=self.since) for one in turns)
        )
        return {one.connection: one for one in found}

    async def later(self, minutes: float = 20) -> dict[str, Walked]:
        """The round after so many minutes."""
        self.ahead += timedelta(minutes=minutes)
        return await self.go()

    async def keys(self) -> list[str]:
        """The business keys that are in the inbox."""
        rows = await self.office.rows("select business_key from inbox order by id")
        return [row.business_key for row in rows]

    async def poll_row(self, slug: str = "shopify/main") -> Any:
        """How the poll of a connection stands."""
        rows = await self.office.rows("select * from polls")
        return next(row for row in rows if row.connection == slug)

    async def tell(self, topic: str, payload: dict[str, Any], shop: ShopifySandbox) -> set[str]:
        """A webhook of the shop, as the gateway takes it in; the keys that were new."""
        webhook = manifest("shopify").webhook
        assert webhook is not None
        request = InboundRequest("POST", "", {"x-shopify-topic": topic}, b"", datetime.now(UTC))
        told = webhook.triggers[topic].parse(payload, request, Source("shopify", "main"))
        return await self.accept(list(told))

    async def accept(self, events: list[Event]) -> set[str]:
        """Puts events into the inbox."""
        now = self.hub.clock()
        async with self.hub.database.begin() as connection:
            return await inbox.accept(connection, [Incoming(one, now, b"{}") for one in events])

    async def book(self) -> None:
        """Books what waits, as the flows do, under the shipped rules."""
        await self.office.publish(shipped_rules())
        await self.hub.refresh_rulebook()
        for trigger in ("sign-ups", "orders", "refunds"):
            while await book_next(self.hub, trigger, 100):
                pass
