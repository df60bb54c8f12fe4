"""Walks over real HTTP: what is read, what is missed, what differs, and who may go on."""

from __future__ import annotations

import asyncio
import copy
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from connectors.kit.sandbox import Fault
from connectors.shopify.sandbox import ShopifySandbox
from flows.drift_report import line_of, rows_of
from flows.polling import polled, take, walk
from loyalty.store import polls, workers
from tests.connectors.conftest import served
from tests.flows.reconcile.round import Round
from tests.flows.sending.office import Office

SHOP = "shopify/main"


async def test_what_no_webhook_told_is_taken_in_once(round_: Round, shop: ShopifySandbox) -> None:
    webhooks = shop.stage()
    first = (await round_.go())[SHOP]
    assert (first.read, first.new, first.problem) == (6, 6, "")
    assert first.counts["missed"] == 0, "the first look misses nothing: there was none before"
    for topic, payload in webhooks:
        assert await round_.tell(topic, payload, shop) == set()
    again = (await round_.later())[SHOP]
    assert (again.read > 0, again.new) == (True, 0)
    assert len(await round_.keys()) == 6


async def test_what_a_webhook_should_have_told_counts_as_missed(
    round_: Round, shop: ShopifySandbox
) -> None:
    await round_.go()
    order = copy.deepcopy(shop.resources["orders"][0])
    moment = datetime.now(UTC) + timedelta(seconds=1)
    order |= {"id": 4600, "refunds": [], "updated_at": moment.isoformat()}
    order["processed_at"] = order["created_at"] = moment.isoformat()
    shop.resources["orders"].append(order)
    at_once = (await round_.go(at_once=True))[SHOP]
    assert (at_once.new, at_once.counts["missed"]) == (1, 0), "its webhook may be on its way"
    other = {**order, "id": 4601}
    shop.resources["orders"].append(other)
    found = (await round_.later())[SHOP]
    assert found.missed == ["shopify/main:order.paid:4601"]
    assert found.has_drifted
    assert "1 missed" in line_of(found)
    assert [row["kind"] for row in rows_of(found)] == ["sum", "missed"]


async def test_a_connection_that_is_not_due_is_left_alone(
    round_: Round, shop: ShopifySandbox
) -> None:
    assert list(await round_.go()) == [SHOP]
    before = shop.calls.total()
    assert await round_.later(14) == {}
    assert shop.calls.total() == before
    async with round_.hub.database.begin() as connection:
        await polls.ring(connection, [SHOP], now=round_.hub.clock())
    assert list(await round_.go()) == [SHOP]


async def test_a_walk_that_dies_goes_on_with_another_worker_and_nothing_doubles(
    office: Office, round_: Round, shop: ShopifySandbox
) -> None:
    shop.faults.append(Fault(path="orders.json", when="late", hang_seconds=30, times=1))
    await round_.hub.clients.refresh()
    known = polled(round_.hub)
    async with round_.hub.database.begin() as connection:
        await workers.beat(connection, round_.hub.owner, now=round_.hub.clock())
    (turn,) = await take(round_.hub, known, limit=1)
    walking = asyncio.create_task(walk(round_.hub, turn, known[SHOP]))
    while len(await round_.keys()) < 1:
        await asyncio.sleep(0.01)
    # Its process is gone without a word: nothing is given back, only the heartbeat ends.
    async with round_.hub.database.begin() as connection:
        await workers.bury(connection, round_.hub.owner)
    other = Round(office, office.hub("other"))
    found = (await other.go())[SHOP]
    assert (found.problem, found.new) == ("", 5)
    walking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await walking
    row = await other.poll_row()
    assert (row.owner, row.problem) == ("", "")
    assert len(set(await round_.keys())) == len(await round_.keys()) == 6


async def test_a_refused_connection_is_refused_once_and_stops_no_other(
    office: Office, round_: Round, shop: ShopifySandbox
) -> None:
    second = ShopifySandbox()
    async with served(second) as base_url:
        wrong = {**second.account_at(base_url), "access_token": "revoked-token"}
        await office.connect("shopify/second", wrong)
        found = await round_.go()
        assert found[SHOP].problem == ""
        assert found["shopify/second"].trouble is not None
        assert found["shopify/second"].trouble.kind == "refused"
        rows = await office.rows("select name, state from connections order by name")
        assert [tuple(row) for row in rows] == [("main", "active"), ("second", "refused")]
        asked = second.calls.total()
        later = await round_.later()
        assert list(later) == [SHOP]
        assert second.calls.total() == asked, "nobody asks a refused connection"
        second.stage()
        await office.connect("shopify/second", second.account_at(base_url))
        renewed = await round_.go()
        assert (renewed["shopify/second"].new, renewed["shopify/second"].trouble) == (6, None)


async def test_two_polls_that_are_refused_together_are_told_once(
    office: Office, round_: Round, shop: ShopifySandbox
) -> None:
    (stored,) = await office.rows("select * from connections")
    account = round_.hub.vault.open(stored.sealed)
    await office.connect(SHOP, {**account, "access_token": "revoked-token"})
    first = (await round_.go())[SHOP]
    async with round_.hub.database.begin() as connection:
        await connection.execute(text("update polls set due_at = now()"))
    assert first.trouble is not None
    hub = office.hub("other")
    assert await Round(office, hub).go() == {}


async def test_a_vendor_that_asks_for_a_pause_gets_it_from_deliveries_too(
    round_: Round, shop: ShopifySandbox, office: Office
) -> None:
    shop.faults.append(Fault(status=429, retry_after="600", times=1))
    found = (await round_.go())[SHOP]
    assert "did not come to its end" in line_of(found)
    row = await round_.poll_row()
    assert row.due_at - round_.hub.clock() > timedelta(minutes=9)
    (budget,) = await office.rows("select * from budgets")
    assert budget.blocked_until > datetime.now(UTC) + timedelta(minutes=9)
    assert await round_.later(5) == {}
    assert (await round_.later(10))[SHOP].new == 6


async def test_a_vendor_that_fails_is_asked_again_soon_and_then_less_often(
    round_: Round, shop: ShopifySandbox
) -> None:
    shop.faults.append(Fault(status=503, times=99))
    pauses = []
    for _ in range(3):
        assert (await round_.later(60))[SHOP].problem
        row = await round_.poll_row()
        pauses.append(round((row.due_at - round_.hub.clock()).total_seconds()))
    assert pauses == pytest.approx([30, 60, 120], abs=2)
    shop.faults.clear()
    assert (await round_.later(60))[SHOP].problem == ""
    assert (await round_.poll_row()).failures == 0


async def test_every_call_of_a_walk_takes_a_slot_of_the_budget(
    office: Office, round_: Round, shop: ShopifySandbox
) -> None:
    (stored,) = await office.rows("select * from connections")
    account = round_.hub.vault.open(stored.sealed)
    await office.connect(SHOP, account, burst=2, per_second=2)
    started = asyncio.get_running_loop().time()
    assert (await round_.go())[SHOP].problem == ""
    took = asyncio.get_running_loop().time() - started
    calls = shop.calls.total()
    assert calls == 3
    assert took > 0.9, "two calls at once, the third in the next second"


async def test_a_budget_without_a_slot_soon_leaves_the_walk_for_later(
    office: Office, round_: Round, shop: ShopifySandbox
) -> None:
    (stored,) = await office.rows("select * from connections")
    account = round_.hub.vault.open(stored.sealed)
    await office.connect(SHOP, account, burst=1, per_second=0)
    found = (await round_.go())[SHOP]
    assert "budget" in found.problem
    (budget,) = await office.rows("select * from budgets")
    assert budget.blocked_until is None, "the vendor asked for nothing"
    assert (await round_.poll_row()).due_at > round_.hub.clock()


async def test_a_record_that_cannot_be_read_is_told_and_the_others_count(
    round_: Round, shop: ShopifySandbox
) -> None:
    moment = datetime.now(UTC).isoformat()
    shop.resources["orders"].append({"id": 99, "updated_at": moment, "currency": "EUR"})
    found = (await round_.go())[SHOP]
    assert (found.new, found.counts["unreadable"]) == (6, 1)
    assert found.unreadable[0].startswith("99")


async def test_a_period_is_read_again_on_demand(round_: Round, shop: ShopifySandbox) -> None:
    await round_.go()
    old = copy.deepcopy(shop.resources["orders"][1])
    moment = datetime.now(UTC) - timedelta(days=30)
    old |= {"id": 4000, "cancelled_at": None, "updated_at": moment.isoformat()}
    old["processed_at"] = old["created_at"] = moment.isoformat()
    shop.resources["orders"].append(old)
    assert (await round_.later())[SHOP].new == 0
    round_.since = datetime.now(UTC) - timedelta(days=40)
    found = (await round_.go(at_once=True))[SHOP]
    assert (found.new, found.counts["missed"]) == (1, 0), "who reads a period again misses nothing"


async def test_a_cursor_of_the_vendors_own_cannot_be_set_to_an_instant(round_: Round) -> None:
    await round_.go()
    async with round_.hub.database.begin() as connection:
        await connection.execute(text("update polls set cursor = 'version:88'"))
    round_.since = datetime.now(UTC)
    found = (await round_.go(at_once=True))[SHOP]
    assert "not an instant" in found.problem
