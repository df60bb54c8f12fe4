"""Batches at the same time, batches that fail, and events that must not miss each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy import text

from flows.batch import book_next
from flows.booking import book
from flows.clients import Clients
from flows.runtime import Hub
from loyalty.settings import HubSettings
from loyalty.store import inbox, ledger, rulebook
from loyalty.store.database import Database
from loyalty.store.vault import Vault
from rules.shipped import shipped_rules
from tests.flows.booking.desk import (
    ADA,
    CONSENTING,
    FLAT,
    NOON,
    Desk,
    cancelled,
    edited,
    paid,
    payment,
    refunded,
    signed_up,
)


def buyer(number: int) -> dict[str, Any]:
    """One of many customers."""
    return {"id": f"c{number}", "email": f"c{number}@example.com"}


async def test_many_batches_at_once_book_every_order_once(desk: Desk) -> None:
    """Eight workers, 200 orders of 40 members in two shops, each member under two ids."""
    shops = ("shopify/main", "woocommerce/main")
    orders = [
        paid("10.00", id=f"{n}", customer=buyer(n % 40), store=shops[n // 40 % 2])
        for n in range(200)
    ]
    await desk.accept(*orders)

    async def work() -> None:
        while True:
            try:
                if await desk.book("orders", limit=7) is None:
                    return
            except Exception as error:  # a deadlock is tried again, as the flows do
                if getattr(getattr(error, "orig", None), "sqlstate", "") != "40P01":
                    raise

    await asyncio.gather(*(work() for _ in range(8)))
    await desk.work_off()
    await desk.check_books()
    rows = await desk.rows("select points, orders_count from members")
    assert [tuple(row) for row in rows] == [(50, 5)] * 40
    assert len(await desk.rows("select 1 from inbox where state = 'done'")) == 200


@dataclass
class Gate:
    """Holds a batch open between its claim and its commit."""

    desk: Desk
    trigger: str

    async def __aenter__(self) -> Gate:
        self._context = self.desk.database.begin()
        self.connection = await self._context.__aenter__()
        self.items = await inbox.claim(self.connection, self.trigger, limit=9, now=self.desk.now)
        return self

    async def book(self) -> None:
        """Books what was claimed, without committing."""
        await book(self.connection, self.items, self.desk.terms(), run_id=None)

    async def __aexit__(self, *error: Any) -> None:
        await self._context.__aexit__(*error)


async def test_a_refund_that_crosses_its_order_is_not_left_waiting(desk: Desk) -> None:
    """Each looks before the other has committed: without a lock they would miss each other."""
    await desk.accept(paid("100.00"), refunded("r1", "20.00"))
    async with Gate(desk, "orders") as order:
        refund = asyncio.create_task(desk.book("refunds"))
        await asyncio.sleep(0.1)
        await order.book()
        await asyncio.sleep(0.1)
    await refund
    await desk.work_off()
    assert await desk.points() == 80


async def test_an_order_that_crosses_its_refund_lets_it_go_on(desk: Desk) -> None:
    await desk.accept(paid("100.00"), refunded("r1", "20.00"))
    async with Gate(desk, "refunds") as refund:
        await refund.book()
        order = asyncio.create_task(desk.book("orders"))
        await asyncio.sleep(0.2)
    await order
    await desk.work_off()
    assert await desk.points() == 80


async def test_a_sign_up_that_crosses_a_guests_order_lets_it_go_on(desk: Desk) -> None:
    await desk.accept(paid("80.00", customer={"email": ADA["email"]}), signed_up())
    async with Gate(desk, "orders") as order:
        await order.book()
        sign_up = asyncio.create_task(desk.book("sign-ups"))
        await asyncio.sleep(0.2)
    await sign_up
    await desk.work_off()
    assert await desk.points() == 130


async def test_a_refund_and_a_cancellation_at_once_both_count(desk: Desk) -> None:
    """One names the customer and one does not, so they may come in two batches."""
    await desk.take(paid("100.00"), paid("60.00", id="1002"))
    named = {"customer": ADA}
    await desk.accept(refunded("r1", "20.00"), edited("150.00", 1), cancelled("1002", **named))
    async with Gate(desk, "refunds") as refunds:
        await refunds.book()
        edit = asyncio.create_task(desk.book("orders"))
        await asyncio.sleep(0.2)
    await edit
    await desk.work_off()
    assert await desk.points() == 130 + 50
    (sale,) = await desk.rows("select refunds, data from sales where order_id = '1001'")
    assert (len(sale.refunds), sale.data["total"]) == (1, "150.00")


async def test_two_transactions_that_enrol_one_person_make_one_member(desk: Desk) -> None:
    """The second has a key that the first has not: it must not become a second member."""
    other = signed_up({**CONSENTING, "id": "77"}, store="woocommerce/main")
    await desk.accept(signed_up())
    async with Gate(desk, "sign-ups") as first:
        await first.book()
        await desk.accept(other)
        second = asyncio.create_task(desk.book("sign-ups"))
        await asyncio.sleep(0.2)
    await second
    assert len(await desk.rows("select 1 from members")) == 1
    assert len(await desk.rows("select distinct member_id from identities")) == 1
    assert await desk.points() == 50


async def test_a_sale_opened_twice_at_once_earns_once(desk: Desk) -> None:
    """A payment and an order of the same number by two customers, at the same instant."""
    other = {"id": "c2", "email": "bea@example.com"}
    shop = "webhook/till"
    await desk.accept(
        paid("60.00", id="77", store=shop),
        payment("p1", "60.00", order_id="77", store=shop, customer=other),
    )
    claimed: list[Any] = []
    async with desk.database.begin() as first, desk.database.begin() as second:
        for connection in (first, second):
            claimed.append(await inbox.claim(connection, "orders", limit=1, now=desk.now))
        await book(first, claimed[0], desk.terms(), run_id=None)
        late = asyncio.create_task(book(second, claimed[1], desk.terms(), run_id=None))
        await asyncio.sleep(0.1)
        await first.commit()
        with pytest.raises(Exception, match="pk_sales"):
            await late
        await second.rollback()
    await desk.work_off()
    assert await desk.points() == 60
    assert await desk.points("bea@example.com") == 0


# --- what the flows do with a batch that fails ---------------------------------------------------


@pytest_asyncio.fixture
async def hub(database: Database, tmp_path: Path) -> AsyncIterator[Hub]:
    """A runtime on a database with the shipped rules in force; its clock stands still."""

    def noon() -> datetime:
        return NOON

    settings = HubSettings(home=tmp_path)
    vault = Vault.of(tmp_path, SecretStr(""))
    rules = shipped_rules()
    async with database.begin() as connection:
        await rulebook.save_programme(connection, FLAT, now=NOON)
        await rulebook.activate(
            connection, rules.version, rules.documents(), author="a", reason="", now=NOON
        )
    yield Hub(settings, database, vault, Clients(database, vault), "desk", clock=noon)


@pytest_asyncio.fixture
async def broken_member(desk: Desk) -> None:
    """A member whose books no longer fit: whatever is booked for them fails in the database."""
    await desk.take(paid("10.00", id="1", customer=buyer(2)))
    async with desk.database.begin() as connection:
        await connection.execute(
            text("alter table members add constraint broken check (orders_count < 2 or points = 0)")
        )


@pytest.mark.usefixtures("broken_member")
async def test_an_event_that_breaks_sets_only_itself_aside(hub: Hub, desk: Desk) -> None:
    orders = [paid("10.00", id=f"{100 + n}", customer=buyer(n)) for n in range(5)]
    await desk.accept(*orders)
    tries = 0
    while await book_next(hub, "orders", 100) is not None:
        tries += 1
    assert tries == 3
    states = [await desk.state_of(one) for one in orders]
    assert [state for state, _ in states] == ["done", "done", "failed", "done", "done"]
    assert states[2][1] == "IntegrityError: see the worker's log; `hub replay` tries it again"
    (row,) = await desk.rows("select attempts from inbox where state = 'failed'")
    assert row.attempts == 3
    await desk.check_books()


@pytest.mark.usefixtures("broken_member")
async def test_what_failed_goes_through_once_the_cause_is_mended(hub: Hub, desk: Desk) -> None:
    order = paid("10.00", id="102", customer=buyer(2))
    await desk.accept(order)
    while await book_next(hub, "orders", 100) is not None:
        pass
    assert await desk.points("c2@example.com") == 10
    async with desk.database.begin() as connection:
        await connection.execute(text("alter table members drop constraint broken"))
        assert await inbox.replay(connection, [order.business_key]) == [order.business_key]
    booked = await book_next(hub, "orders", 100)
    assert booked is not None
    assert await desk.points("c2@example.com") == 20
    async with desk.database.begin() as connection:
        assert await inbox.replay(connection, [order.business_key]) == []


async def test_an_event_that_cannot_be_read_any_more_stops_no_other(hub: Hub, desk: Desk) -> None:
    await desk.accept(paid("10.00", id="1"), paid("10.00", id="2"), paid("10.00", id="3"))
    async with desk.database.begin() as connection:
        await connection.execute(text("update inbox set data = '{\"old\": 1}' where key = '2'"))
    booked = await book_next(hub, "orders", 1)
    assert booked is not None
    assert booked.items[0].event.key == "1"
    booked = await book_next(hub, "orders", 1)
    assert booked is not None
    assert booked.items[0].event.key == "3"
    (row,) = await desk.rows("select state, reason from inbox where key = '2'")
    assert row.state == "failed"
    assert "cannot be read" in row.reason


async def test_a_batch_that_meets_a_conflict_is_simply_tried_again(hub: Hub, desk: Desk) -> None:
    """A sale that another transaction opened first: the second look finds it in the books."""
    await desk.accept(paid("60.00", id="77"))
    async with desk.database.begin() as other:
        await other.execute(
            text("""
                insert into sales (store, order_id, member_id, kind, data, refunds, occurred_at,
                                   version, facts, awards)
                values ('shopify/main', '77', gen_random_uuid(), 'order', '{}', '[]', now(),
                        '', '{}', '{}')
            """)
        )
        booking = asyncio.create_task(book_next(hub, "orders", 10))
        await asyncio.sleep(0.2)
        await other.rollback()
    assert await booking is not None
    assert await desk.points() == 60


async def test_a_closed_event_is_not_closed_again_by_whoever_failed_with_it(desk: Desk) -> None:
    sale = paid("60.00")
    await desk.take(sale)
    (row,) = await desk.rows("select id from inbox")
    async with desk.database.begin() as connection:
        late = inbox.Closing(row.id, "waiting", reason="failed", attempts=1)
        await inbox.close(connection, [late], run_id=None, now=NOON)
    assert await desk.state_of(sale) == ("done", "")


async def test_the_books_say_which_sales_they_have(desk: Desk) -> None:
    await desk.take(paid("60.00"))
    async with desk.database.begin() as connection:
        keys = [("shopify/main", "1001"), ("shopify/main", "1002"), ("square/till", "1001")]
        assert await ledger.sales_in_the_books(connection, keys) == {("shopify/main", "1001")}
        assert await ledger.sales_in_the_books(connection, []) == set()
