"""A hub without Prefect: events are taken in and booked, rules and programme are in the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.booking import book
from flows.directory import Directory
from flows.planning import Planner
from flows.runtime import shipped_texts
from flows.simulation import Simulation, Trial, simulate
from flows.terms import Terms
from loyalty.events import (
    TRIGGERS,
    Cancellation,
    Customer,
    Event,
    EventType,
    Line,
    Order,
    Redemption,
    Refund,
)
from loyalty.programme import Programme
from loyalty.store import inbox, rulebook
from loyalty.store.database import Database
from loyalty.store.expiry_since import expiry_since
from rules import RuleSet

SHOP = "shopify/main"
DAY = datetime.fromisoformat("2026-01-05T10:00:00+00:00")
"""A Monday."""

PER_EURO: dict[str, Any] = {
    "id": "per-euro",
    "on": ["order.paid"],
    "then": [{"earn": {"points": "1", "per": "1.00"}}],
}


def rules_of(*documents: dict[str, Any]) -> RuleSet:
    """A rule set of these documents."""
    return RuleSet.load(documents)


@dataclass
class House:
    """Takes events in and books each at once, at a clock of its own."""

    database: Database
    programme: Programme = field(default_factory=Programme)
    rules: RuleSet = field(default_factory=lambda: rules_of(PER_EURO))
    now: datetime = DAY

    async def open(self) -> House:
        """Puts rules and programme in force."""
        await put_in_force(self.database, self.rules, self.programme, now=self.now)
        return self

    async def switch(self, *documents: dict[str, Any], **programme: Any) -> None:
        """Puts other rules or another programme in force from now on."""
        if documents:
            self.rules = rules_of(*documents)
        if programme:
            self.programme = Programme.model_validate(self.programme.model_dump() | programme)
        await self.open()

    async def take(self, *events: Event) -> None:
        """Takes events in one after another, each at its own time."""
        for event in events:
            self.now = max(self.now, event.time)
            async with self.database.begin() as connection:
                await inbox.emit(connection, [event], now=self.now)
            while await self._work_off():
                pass

    async def _work_off(self) -> bool:
        worked = False
        for trigger in TRIGGERS:
            async with self.database.begin() as connection:
                items = await inbox.claim(connection, trigger, limit=100, now=self.now)
                if items:
                    await book(connection, items, await self.terms(connection), run_id=None)
                    worked = True
        return worked

    async def terms(self, connection: AsyncConnection) -> Terms:
        """Under what the next batch is booked."""
        texts = shipped_texts()

        async def rules_of_version(link: AsyncConnection, version: str) -> RuleSet:
            return RuleSet.from_documents(await rulebook.documents_of(link, version) or [])

        async def programme_of(link: AsyncConnection, version: str) -> Programme:
            found = await rulebook.programme_of(link, version)
            assert found is not None
            return found

        return Terms(
            programme=self.programme,
            rules=self.rules,
            texts=texts,
            planner=Planner(self.programme, texts, Directory({}), "test", self.now),
            now=self.now,
            rules_of=rules_of_version,
            programme_of=programme_of,
            expiry_since=await expiry_since(connection),
        )

    async def simulate(
        self,
        *documents: dict[str, Any],
        since: datetime = DAY,
        until: datetime | None = None,
        programme: Programme | None = None,
        **more: Any,
    ) -> Simulation:
        """Tries rules on everything that happened, or on a part."""
        trial = Trial(
            rules=rules_of(*documents) if documents else self.rules,
            programme=programme or self.programme,
            since=since,
            until=until or self.now + timedelta(days=1),
        )
        return await simulate(self.database, trial, **{"processes": 1, **more})

    async def rows(self, query: str, **values: Any) -> list[Any]:
        """The rows of a query."""
        async with self.database.begin() as connection:
            return list((await connection.execute(text(query), values)).all())

    async def balances(self) -> list[int]:
        """The members' points, oldest member first."""
        return [row.points for row in await self.rows("select points from members order by id")]

    async def everything(self) -> dict[str, int]:
        """How many rows each table has; posting anything would show."""
        names = [
            row.name
            for row in await self.rows(
                "select tablename as name from pg_tables where schemaname = 'public'"
            )
        ]
        return {name: (await self.rows(f"select count(*) as n from {name}"))[0].n for name in names}


async def put_in_force(
    database: Database, rules: RuleSet, programme: Programme, *, now: datetime
) -> None:
    """Writes rules and programme into the store, as publishing does."""
    async with database.begin() as connection:
        await rulebook.activate(
            connection, rules.version, rules.documents(), author="ada", reason="the test", now=now
        )
        await rulebook.save_programme(connection, programme, now=now)


def person(name: str) -> Customer:
    """A customer of the shop."""
    return Customer(id=name, email=f"{name}@example.com", first_name=name.title())


def at(days: float) -> datetime:
    """So many days after the Monday."""
    return DAY + timedelta(days=days)


def event(kind: EventType, key: str, data: Any, *, who: str, days: float) -> Event:
    """An event of the shop."""
    subject = f"{SHOP}:customer:{who}"
    return Event(type=kind, store=SHOP, key=key, time=at(days), subject=subject, data=data)


def paid(number: str, total: str, *, who: str = "ann", days: float = 0, **more: Any) -> Event:
    """A paid order of one line."""
    line = Line(id="L1", sku="TEA", quantity=1, unit_price=Decimal(total))
    order = Order(
        id=number,
        currency="EUR",
        total=Decimal(total),
        **{"lines": (line,), "customer": person(who), **more},
    )
    return event(EventType.ORDER_PAID, number, order, who=who, days=days)


def refunded(number: str, order: str, amount: str, *, who: str = "ann", days: float = 0) -> Event:
    """A refund of an amount."""
    refund = Refund(id=number, order_id=order, currency="EUR", amount=Decimal(amount))
    return event(EventType.ORDER_REFUNDED, number, refund, who=who, days=days)


def cancelled(order: str, *, who: str = "ann", days: float = 0) -> Event:
    """An order called off."""
    data = Cancellation(order_id=order)
    return event(EventType.ORDER_CANCELLED, order, data, who=who, days=days)


def redeemed(number: str, points: int, *, who: str = "ann", days: float = 0) -> Event:
    """Points that somebody wants to spend."""
    data = Redemption(id=number, points=points, customer=person(who))
    return event(EventType.REWARD_REDEEMED, number, data, who=who, days=days)
