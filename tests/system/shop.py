"""A shop as the hub meets it: signed webhooks over HTTP, sent again until they are acknowledged."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
from sqlalchemy import text

from connectors.kit.registry import manifest
from connectors.shopify.sandbox import ShopifySandbox
from deployments.demo.cast import (
    BALM,
    DIFFUSER,
    GIFT_BOX,
    KIT,
    LAVENDER,
    NEROLI,
    DemoDay,
    Goods,
    Person,
)
from deployments.demo.shopify_payloads import customer, order
from deployments.demo.stage import account_fields
from loyalty.store.database import Database

if TYPE_CHECKING:
    from tests.system.conftest import RunningHub

PATIENCE_SECONDS = 90.0

SIGN_UP_POINTS = 50
EARNS: dict[int, int] = {
    KIT.n: 49 + 100,
    LAVENDER.n: 9,
    NEROLI.n: 32,
    DIFFUSER.n: 120 + 50,
    GIFT_BOX.n: 200 + 50,
    BALM.n: 12,
}
"""What one piece alone in an order earns under the shipped rules."""

EVERYDAY = (BALM, NEROLI, LAVENDER, BALM, KIT, NEROLI, LAVENDER, DIFFUSER)


@dataclass(frozen=True)
class Bought:
    """An order that the shop sent: who bought what."""

    id: int
    buyer: Person
    goods: Goods
    day: DemoDay = field(repr=False)
    body: dict[str, Any] = field(repr=False)

    @property
    def points(self) -> int:
        """What it earns."""
        return EARNS[self.goods.n]


@dataclass
class Shop:
    """A Shopify shop with customers and orders that nobody on this hub has seen.

    Attributes:
        refusals: How often a webhook was not acknowledged and had to be sent again.
        waits: How long each acknowledgement took, in seconds, from the first try.
    """

    hub: RunningHub
    client: httpx.AsyncClient
    day: DemoDay
    next_person: int
    next_order: int
    refusals: int = 0
    waits: list[float] = field(default_factory=list)
    _sandbox: ShopifySandbox = field(default_factory=ShopifySandbox)

    @classmethod
    async def open(cls, hub: RunningHub, books: Database, client: httpx.AsyncClient) -> Shop:
        """A shop whose numbers are new to the hub."""
        day = DemoDay.of(datetime.now(UTC))
        async with books.begin() as connection:
            row = (await connection.execute(_LATEST)).one()
        used = [
            max(int(number or 0) - day.number(0), least)
            for number, least in zip(row, (100, 1000), strict=True)
        ]
        return cls(hub, client, day, used[0] + 1, used[1])

    def people(self, count: int, *, joined: str = "8:05") -> list[Person]:
        """New customers, who agree to messages."""
        first = self.next_person
        self.next_person += count
        # The family name becomes the address, which keeps letters only.
        return [
            Person(n, f"Ada{n}", f"Test{_letters(n)}", joined) for n in range(first, first + count)
        ]

    def orders(self, buyers: Sequence[Person], basket: Sequence[Goods] = EVERYDAY) -> list[Bought]:
        """One new order for each buyer in the list, of goods that go round."""
        found = []
        for place, buyer in enumerate(buyers):
            self.next_order += 1
            goods = basket[place % len(basket)]
            at = self.day.at("9:00")
            body = order(self.day, self.next_order, [(goods, 1)], at=at, buyer=buyer)
            found.append(Bought(body["id"], buyer, goods, self.day, body))
        return found

    async def sign_up(self, people: Iterable[Person], **changed: Any) -> None:
        """Tells the hub of new customers; `changed` are fields of the payload."""
        bodies = [{**customer(self.day, person), **changed} for person in people]
        await asyncio.gather(*(self.send("customers/create", body) for body in bodies))

    async def sell(self, orders: Sequence[Bought], *, per_second: float = 0.0) -> None:
        """Sends orders, each until it is acknowledged; all at once, or at a rate."""
        started = time.monotonic()

        async def sell_one(place: int, one: Bought) -> None:
            if per_second:
                due = started + place / per_second
                await asyncio.sleep(max(due - time.monotonic(), 0.0))
            await self.send("orders/paid", one.body)

        await asyncio.gather(*(sell_one(place, one) for place, one in enumerate(orders)))

    async def send(
        self, topic: str, body: dict[str, Any], *, delivery_id: str | None = None
    ) -> float:
        """One webhook, sent again until the hub says 202; how long that took."""
        account = manifest("shopify").account.model_validate(
            account_fields("shopify", self.hub.settings)
        )
        hook = f"{self.hub.settings.base_url}/hooks/shopify/main"
        request = self._sandbox.prepare(hook, topic, body, account=account, delivery_id=delivery_id)
        headers = dict(request.headers)
        started = time.monotonic()
        while (waited := time.monotonic() - started) < PATIENCE_SECONDS:
            try:
                answer = await self.client.post(hook, content=request.body, headers=headers)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 202:
                self.waits.append(time.monotonic() - started)
                return self.waits[-1]
            assert answer is None or answer.status_code == 503, answer.text
            self.refusals += 1
            await asyncio.sleep(min(0.1 + waited, 0.5) * (0.5 + random.random()))
        raise AssertionError(f"not acknowledged within {PATIENCE_SECONDS:.0f} s: {topic}")


_LATEST = text("""
select (select max(cast(value as numeric)) from identities
        where store = 'shopify/main' and kind = 'customer') as customer,
       (select max(cast(key as numeric)) from inbox
        where store = 'shopify/main' and type = 'order.paid') as "order"
""")


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def lifetime(earned: int, *, every: int = 500, bonus: int = 50) -> int:
    """What somebody has who earned so much, with the milestones on the way and their bonuses."""
    total = earned
    while total != (with_bonus := earned + bonus * (total // every)):
        total = with_bonus
    return total
