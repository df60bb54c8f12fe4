"""Imports over real HTTP: everybody once, from where it stopped, and never a stop for bad data."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from connectors.kit.sandbox import Fault
from connectors.shopify.sandbox import ShopifySandbox
from flows.customer_import import Imported, import_customers
from flows.runtime import Hub
from loyalty.events import Channel, ConsentState
from loyalty.store import customer_imports, people
from loyalty.store.people import ConsentNote
from tests.flows.campaigns.crowd import SHOP, told
from tests.flows.sending.office import Office


async def _hub(office: Office, owner: str = "office") -> Hub:
    hub = office.hub(owner)
    await hub.clients.refresh()
    await office.beat(hub)
    return hub


async def _kept(office: Office) -> list[Any]:
    return await office.rows("select * from shop_customers order by customer_id")


async def test_every_customer_is_kept_once_however_often_they_are_imported(
    office: Office, shop: ShopifySandbox
) -> None:
    shop.resources["customers"] = [told(number) for number in range(5)]
    hub = await _hub(office)
    first = await import_customers(hub, SHOP)
    assert (first.pages, first.read, first.kept, first.refused, first.problem) == (3, 5, 5, 0, "")
    shop.resources["customers"][0]["first_name"] = "Mila"
    again = await import_customers(hub, SHOP)
    assert (again.read, again.problem) == (5, "")
    rows = await _kept(office)
    assert [row.customer_id for row in rows] == ["9000", "9001", "9002", "9003", "9004"]
    assert rows[0].first_name == "Mila"
    async with hub.database.begin() as connection:
        (state,) = await customer_imports.listed(connection)
    assert (state.state, state.read, state.pages) == ("done", 5, 3)


async def test_an_import_whose_worker_dies_goes_on_behind_the_last_page_that_was_kept(
    office: Office, shop: ShopifySandbox
) -> None:
    shop.resources["customers"] = [told(number) for number in range(6)]
    hub = await _hub(office, "first")
    reached = asyncio.Event()

    async def note(done: Imported) -> None:
        if done.pages == 2:
            reached.set()
            await asyncio.sleep(60)

    dying = asyncio.create_task(import_customers(hub, SHOP, told=note))
    await asyncio.wait_for(reached.wait(), 10)
    second = await _hub(office, "second")
    busy = await import_customers(second, SHOP)
    assert "another run imports" in busy.problem, "it lives, so nobody else begins"
    # Its process is gone without a word: only its sign of life ends.
    async with hub.database.begin() as connection:
        await connection.execute(text("delete from workers where name = 'first'"))
    calls = shop.calls.total()
    done = await import_customers(second, SHOP)
    assert done.problem == ""
    assert len(await _kept(office)) == 6
    assert shop.calls.total() - calls <= 3, "it did not begin at the first page"
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying


async def test_a_turn_that_another_worker_took_over_writes_nothing_more(
    office: Office, shop: ShopifySandbox
) -> None:
    shop.resources["customers"] = [told(number) for number in range(6)]
    slow, quick = await _hub(office, "slow"), await _hub(office, "quick")
    paused, go_on = asyncio.Event(), asyncio.Event()

    async def note(done: Imported) -> None:
        paused.set()
        await go_on.wait()

    walking = asyncio.create_task(import_customers(slow, SHOP, told=note))
    await asyncio.wait_for(paused.wait(), 10)
    async with slow.database.begin() as connection:
        await connection.execute(text("delete from workers where name = 'slow'"))
    assert (await import_customers(quick, SHOP)).is_through
    go_on.set()
    assert (await walking).problem == "another run went on with it"
    assert len(await _kept(office)) == 6


async def test_bad_data_is_kept_or_refused_with_a_reason_and_stops_nothing(
    office: Office, shop: ShopifySandbox
) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=400)).date().isoformat()
    shop.resources["customers"] = [
        told(1, first_name="Zoë 🌷", last_name="<b>O'Neil</b>"),
        told(2, first_name="דוד‏", last_name="‮drows‬"),
        told(3, phone="0151 23456789"),
        told(4, phone="0151 23456789", default_address={"country_code": "DE"}),
        told(5, email="not an address", phone=None),
        told(6, first_name="Win a prize at https://evil.example"),
        told(7, birthday=tomorrow, first_name="A\u0000B\nC"),
        {**told(8), "created_at": "yesterday"},
        told(9),
    ]
    done = await import_customers(await _hub(office), SHOP)
    assert (done.read, done.kept, done.refused, done.problem) == (9, 8, 1, "")
    assert "9008" in done.reasons[0]
    assert "customer-8@" not in done.reasons[0]
    rows = {row.customer_id: row for row in await _kept(office)}
    assert (rows["9001"].first_name, rows["9001"].last_name) == ("Zoë 🌷", "<b>O'Neil</b>")
    assert (rows["9002"].first_name, rows["9002"].last_name) == ("דוד‏", "drows")
    assert rows["9003"].phone is None
    assert "country" in rows["9003"].problems
    assert rows["9004"].phone == "+4915123456789"
    assert rows["9005"].email is None
    assert rows["9006"].first_name == ""
    assert rows["9007"].first_name == "AB C"


async def test_an_import_never_subscribes_anybody_again(
    office: Office, shop: ShopifySandbox
) -> None:
    addresses = [f"customer-{number}@shop.example" for number in (1, 2, 3)]
    shop.resources["customers"] = [
        told(1),
        told(2),
        told(3, email_marketing_consent={"state": "unsubscribed"}),
    ]
    hub = await _hub(office)
    said = datetime.now(UTC) - timedelta(days=1)
    async with hub.database.begin() as connection:
        note = ConsentNote(
            None, Channel.EMAIL, addresses[0], ConsentState.WITHDRAWN, "twilio/main x", said
        )
        await people.note_consents(connection, [note], now=said)
    for _ in range(2):
        assert (await import_customers(hub, SHOP)).is_through
    rows = await office.rows("select address, state, source from consents order by address, state")
    assert [tuple(row) for row in rows] == [
        (addresses[0], "withdrawn", "twilio/main x"),
        (addresses[1], "granted", "shopify/main import"),
        (addresses[2], "withdrawn", "shopify/main import"),
    ]


async def test_a_vendor_that_asks_for_a_pause_gets_it_and_the_import_goes_on(
    office: Office, shop: ShopifySandbox
) -> None:
    shop.resources["customers"] = [told(number) for number in range(4)]
    shop.faults.append(Fault(path="customers.json", status=429, retry_after="0.2", times=1))
    done = await import_customers(await _hub(office), SHOP)
    assert (done.kept, done.problem) == (4, "")
    (budget,) = await office.rows("select blocked_until from budgets")
    assert budget.blocked_until is not None, "everybody who uses the connection waits"


async def test_a_shop_that_refuses_the_token_says_so_and_keeps_what_came_before(
    office: Office, shop: ShopifySandbox
) -> None:
    shop.resources["customers"] = [told(number) for number in range(4)]
    hub = await _hub(office)

    async def break_it(done: Imported) -> None:
        shop.faults.append(Fault(path="customers.json", status=401, times=9))

    done = await import_customers(hub, SHOP, told=break_it)
    assert done.problem
    assert len(await _kept(office)) == 2
    (connected,) = await office.rows("select state from connections")
    assert connected.state != "active"


async def test_a_shop_that_lists_no_customers_is_named_with_those_that_do(
    office: Office, shop: ShopifySandbox
) -> None:
    with pytest.raises(ValueError, match=r"twilio/main cannot be imported.*shopify/main"):
        await import_customers(await _hub(office), "twilio/main")
