"""The table of a run tells what came in, why each rule fired or not, the points, the deliveries."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from flows.booking import Booked
from flows.tables import EXPLAINED, MOST_ROWS, Told, event_rows, summary, traces_of
from loyalty.events import Event
from loyalty.store.database import Database
from tests.flows.booking.desk import Desk, line, paid, redeemed, refunded, signed_up, texted


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def told(desk: Desk, batch: Booked) -> list[Told]:
    """A batch as the report tells it."""
    return [
        Told(
            item,
            closing,
            [one for one in batch.deliveries if one.event_id == item.id],
            traces_of(item, closing, desk.terms()),
        )
        for item, closing in zip(batch.items, batch.closings, strict=True)
    ]


async def worked_off(desk: Desk, *events: Event) -> list[Told]:
    await desk.accept(*events)
    return [one for batch in await desk.work_off() for one in told(desk, batch)]


async def test_an_order_is_told_in_full(desk: Desk) -> None:
    await desk.take(signed_up())
    kit = paid("59.90", lines=[line("59.90", sku="STARTER-KIT-01")])
    rows, left_out = event_rows(await worked_off(desk, kit))
    found = {row["what"]: row for row in rows}

    assert left_out == 0
    assert rows[0]["what"] == "order.paid from shopify/main"
    assert (rows[0]["result"], rows[0]["points"]) == ("done", "+159")
    assert rows[0]["why"].startswith("balance now 209, member ")
    per_currency = found["rule points-per-currency"]
    assert (per_currency["result"], per_currency["points"]) == ("fired", "+59")
    assert per_currency["why"].startswith("59.90 of goods has 59 full steps")
    minimum = found["rule minimum-purchase"]
    assert (minimum["result"], minimum["points"]) == ("did not fire", "")
    assert "does not hold" in minimum["why"]
    assert "is 59.90" in minimum["why"]
    assert found["sms through twilio/main"]["result"] == "pending"
    assert {row["event"] for row in rows} == {"shopify/main:order.paid:1001"}


async def test_a_refund_tells_what_each_rule_takes_back(desk: Desk) -> None:
    await desk.take(signed_up(), paid("60", lines=[line("60")]))
    rows, _ = event_rows(await worked_off(desk, refunded("r1", "60")))
    taken_back = {row["what"]: row for row in rows if row["result"] == "booked"}
    per_currency = taken_back["rule points-per-currency"]
    assert (per_currency["points"], per_currency["why"]) == ("-60", "no longer earned")


async def test_a_redemption_is_told(desk: Desk) -> None:
    await desk.take(signed_up())
    rows, _ = event_rows(await worked_off(desk, redeemed("r1", 30)))
    assert [row["points"] for row in rows if row["what"] == "redeemed"] == ["-30"]


async def test_what_waits_says_for_what(desk: Desk) -> None:
    rows, _ = event_rows(await worked_off(desk, refunded("r1", "10")))
    assert [row["result"] for row in rows] == ["parked"]
    assert "the sale is not in the books yet" in rows[0]["why"]


async def test_an_event_that_no_rule_asks_for_says_so(desk: Desk) -> None:
    await desk.take(signed_up())
    rows, _ = event_rows(await worked_off(desk, texted("t1", "hello")))
    assert rows[0]["why"].startswith("no rule fired; balance now 50, member ")


async def test_a_large_batch_gets_a_row_per_event(desk: Desk) -> None:
    await desk.take(signed_up())
    orders = [paid("20", id=str(1000 + n)) for n in range(EXPLAINED + 1)]
    rows, left_out = event_rows(await worked_off(desk, *orders))
    assert left_out == 0
    assert [row["event"] for row in rows] == [one.business_key for one in orders]
    assert "points-per-currency +20 (20 of goods has 20 full steps" in rows[0]["why"]
    assert "sms pending" in rows[0]["why"]


async def test_the_largest_say_how_many_are_left_out(desk: Desk) -> None:
    await desk.take(signed_up())
    (one,) = await worked_off(desk, paid("20"))
    rows, left_out = event_rows([one] * (MOST_ROWS + 3))
    assert (len(rows), left_out) == (MOST_ROWS, 3)


async def test_addresses_are_shortened(desk: Desk) -> None:
    (one,) = await worked_off(desk, signed_up())
    closing = replace(one.closing, reason="waits for ada@example.com or +4915112345678")
    rows, _ = event_rows([replace(one, closing=closing)])
    assert rows[0]["why"] == "waits for a…@example.com or +…678"


async def test_rules_that_are_not_at_hand_are_left_out(desk: Desk) -> None:
    await desk.take(signed_up())
    (one,) = await worked_off(desk, paid("20"))
    unknown = {**(one.closing.outcome or {}), "version": "of long ago"}
    closing = replace(one.closing, outcome=unknown)
    assert traces_of(one.item, closing, desk.terms()) == ()


async def test_a_run_in_one_line(desk: Desk) -> None:
    await desk.take(signed_up())
    found = await worked_off(desk, paid("20"), paid("30", id="1002"))
    line = summary("orders", found, Counter(sent=7, suppressed=1))
    assert line == "orders: 2 events (2 done), +50 points, 8 deliveries (7 sent, 1 suppressed)"
    assert summary("orders", found[:1], {}).endswith("1 event (1 done), +20 points, no deliveries")
