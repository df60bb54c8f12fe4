"""A gateway with a shop's site, on a database of its own, and a desk that books what comes in."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from sqlalchemy import text

from gateway.widget.sessions import Person, Sessions
from loyalty.catalogue import RewardItem
from loyalty.events import Adjustment, Customer, Event, EventType, Order
from loyalty.links import Links
from loyalty.programme import Programme
from loyalty.store import catalogue, rulebook
from loyalty.store.database import Database
from rules import RuleSet
from tests.flows.booking.desk import FLAT, Desk
from tests.gateway.conftest import PUBLIC, Running, running

SITE = "tea"
MARK = {"x-hub-widget": "1"}
ADA = "ada@example.com"

RULES = RuleSet.load(
    [
        {
            "id": "one-per-euro",
            "description": "A point for each euro.",
            "on": "order.paid",
            "then": [{"earn": {"points": 1, "per": 1}}],
            "priority": 10,
            "shown": {
                "title": {"en": "Complete an order", "de": "Etwas bestellen"},
                "button": {"en": "Purchase", "de": "Einkaufen"},
                "page": "shop",
            },
        },
        {
            "id": "welcome-points",
            "description": "50 points for signing up.",
            "on": "customer.created",
            "then": [{"award": {"points": 50}}],
        },
        {
            "id": "staff-only",
            "on": "order.paid",
            "then": [{"award": {"points": 5}}],
            "audience": {"tags": ["staff"]},
        },
        {
            "id": "hidden-one",
            "on": "order.paid",
            "then": [{"award": {"points": 7}}],
            "when": ["order.total > 100000"],
            "shown": {"hidden": True},
        },
    ]
)


def site(**changes: Any) -> dict[str, Any]:
    """The settings of the tea shop's site."""
    plain = {
        "id": SITE,
        "name": "Tea House",
        "origins": ["https://tea.example"],
        "languages": ["en", "de", "fr"],
        "pages": {"shop": "/collections/all"},
        "connection": "shopify/main",
    }
    return {**plain, **changes}


def programme(*sites: dict[str, Any], **changes: Any) -> Programme:
    """The programme with these sites, or with the tea shop's alone."""
    plain = FLAT.model_dump(mode="json")
    return Programme.model_validate({**plain, "sites": sites or (site(),), **changes})


@dataclass
class Shop:
    """What a test of the widget works with."""

    gateway: Running
    desk: Desk

    @property
    def client(self) -> httpx.AsyncClient:
        """Talks to the gateway."""
        return self.gateway.client

    @property
    def database(self) -> Database:
        """The test's database."""
        return self.desk.database

    @property
    def now(self) -> datetime:
        """The gateway's clock."""
        return self.gateway.clock()

    @property
    def house(self) -> Any:
        """The parts of the gateway that pages work with."""
        return self.gateway.app._pages.state.house

    async def rows(self, query: str, **values: Any) -> list[Any]:
        """What the database answers."""
        async with self.database.begin() as connection:
            return list((await connection.execute(text(query), values)).all())

    async def save(self, programme: Programme) -> None:
        """Puts a programme in force, for the gateway at once."""
        async with self.database.begin() as connection:
            await rulebook.save_programme(connection, programme, now=self.now)
        self.desk.programme = programme
        self.gateway.app._pages.state.widget.boards._read_at = -1e9

    async def tell(self, *events: Event) -> None:
        """Takes events in and books them."""
        await self.desk.accept(*events)
        while await self.rows("select 1 from inbox where state = 'waiting'"):
            self.desk.now = datetime.now(UTC)
            await self.desk.work_off()

    async def enrol(self, email: str = ADA, **customer: Any) -> str:
        """Makes somebody a member; returns the member's id."""
        given = {"id": "c1", "email": email, "first_name": "Ada", **customer}
        data = Customer(**given)
        await self.tell(event(EventType.CUSTOMER_CREATED, str(given["id"]), data))
        rows = await self.rows("select id from members where email = :email", email=email)
        return str(rows[0].id)

    async def token(self, email: str = ADA, *, site: str = SITE) -> str:
        """A session of somebody whose address was proved."""
        sessions = Sessions(self.database, clock=self.gateway.clock, base_url=PUBLIC)
        person = Person(("", "email", email), email=email)
        return await sessions.begin(person, site, lasts=timedelta(days=1))

    async def headers(self, email: str = ADA) -> dict[str, str]:
        """Headers of the widget's page, signed in."""
        return {**MARK, "authorization": f"Bearer {await self.token(email)}"}

    async def ask(self, path: str, **options: Any) -> httpx.Response:
        """Asks an address of the site."""
        headers = {**MARK, **options.pop("headers", {})}
        return await self.client.get(f"/widget/api/{SITE}/{path}", headers=headers, **options)

    async def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        """Sends JSON to an address of the site."""
        headers = {**MARK, **options.pop("headers", {})}
        address = f"/widget/api/{SITE}/{path}"
        return await self.client.post(address, json=body, headers=headers, **options)

    async def mails(self) -> list[dict[str, Any]]:
        """The e-mails that were planned, the latest last."""
        query = "select input from deliveries where capability = 'email' order by id"
        rows = await self.rows(query)
        return [row.input for row in rows]

    async def last_link(self) -> str:
        """The path of the link in the latest e-mail, as soon as there is one for each asked for."""
        asked = len(await self.rows("select 1 from sign_ins"))
        for _ in range(200):
            mails = await self.mails()
            if len(mails) >= asked:
                break
            await asyncio.sleep(0.02)
        found = re.search(r"https?://[^/\s]+(/s/[\w.-]+)", mails[-1]["text"])
        assert found is not None, mails[-1]["text"]
        return found[1]

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Books what comes in, as the worker does."""

        async def work() -> None:
            while True:
                self.desk.now = datetime.now(UTC)
                await self.desk.work_off()
                await asyncio.sleep(0.02)

        task = asyncio.create_task(work())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def event(kind: EventType, key: str, data: Any, *, at: datetime | None = None) -> Event:
    """An event of the shop about its customer."""
    return Event(
        type=kind,
        store="shopify/main",
        key=key,
        time=at or datetime.now(UTC),
        subject="shopify/main:customer:c1",
        data=data,
    )


def order(number: str, total: str, *, at: datetime | None = None) -> Event:
    """An order of Ada's."""
    data = Order.model_validate(
        {
            "id": number,
            "currency": "EUR",
            "total": total,
            "lines": [{"id": "L1", "sku": "TEA", "quantity": 1, "unit_price": total}],
            "customer": {"id": "c1", "email": ADA},
        }
    )
    return event(EventType.ORDER_PAID, number, data, at=at)


def adjustment(number: str, points: int, reason: str) -> Event:
    """Points that somebody of the team gave or took."""
    whom = Customer(id="c1", email=ADA)
    data = Adjustment(id=number, points=points, reason=reason, by="Kim", customer=whom)
    return event(EventType.POINTS_ADJUSTED, number, data)


async def add_reward(shop: Shop, points: int = 40) -> None:
    """Puts a mug into the catalogue."""
    item = RewardItem.model_validate(
        {"id": "mug", "kind": "custom", "names": {"en": "Mug", "de": "Becher"}, "points": points}
    )
    async with shop.database.begin() as connection:
        await catalogue.save(connection, item, seen=0, by="Kim", now=shop.now)


@asynccontextmanager
async def opened(database: Database, home: Path, *, public: str = PUBLIC) -> AsyncIterator[Shop]:
    """A gateway with the tea shop's site, its rules in force, and a desk."""
    async with running(database, home, public=public) as gateway:
        links = Links(gateway.vault.derived("links"), public.format(port=gateway.port))
        found = Shop(gateway, Desk(database, rules=RULES, links=links))
        async with database.begin() as connection:
            await rulebook.activate(
                connection, RULES.version, RULES.documents(), author="a", reason="", now=found.now
            )
        await found.save(programme())
        yield found


@pytest_asyncio.fixture
async def shop(database: Database, tmp_path: Path) -> AsyncIterator[Shop]:
    """A gateway that is known by https, with the tea shop's site."""
    async with opened(database, tmp_path) as found:
        yield found
