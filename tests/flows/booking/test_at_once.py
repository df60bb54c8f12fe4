"""Two transactions at the same instant, on two connections: the points are moved once."""

from __future__ import annotations

import asyncio
from typing import Any

from flows.batch import _is_conflict
from flows.upkeep import keep_up
from loyalty.events import Event
from tests.flows.booking.accounts import (
    DAY,
    PLAIN,
    RULES,
    balance,
    captured,
    check,
    event,
    held,
    merged,
    programme,
    released,
)
from tests.flows.booking.desk import NOON, Desk, paid, signed_up

MANY = 6


def person(number: int, *, store: str = "") -> dict[str, Any]:
    """One of many, under an id of the first shop or of another."""
    return {"id": f"{store}c{number}", "email": f"c{number}@example.com"}


def redeem(key: str, points: int, customer: dict[str, Any], *, store: str) -> Event:
    """reward.redeemed at a store."""
    data = {"id": key, "points": points, "customer": customer}
    return event("reward.redeemed", key, data, store=store)


async def book_alone(desk: Desk, trigger: str) -> None:
    """One event per transaction until none waits; a deadlock is tried again, as the flows do."""
    while True:
        try:
            if await desk.book(trigger, limit=1) is None:
                return
        except Exception as error:
            if not _is_conflict(error):
                raise


async def states(desk: Desk, trigger: str) -> list[tuple[str, str]]:
    """(state, code) of a trigger's events."""
    rows = await desk.rows(
        "select state, coalesce(outcome ->> 'code', '') as code from inbox"
        " where trigger = :trigger order by id",
        trigger=trigger,
    )
    return [tuple(row) for row in rows]


async def test_a_redemption_at_the_instant_of_expiry_finds_nothing_whoever_is_first(
    desk: Desk,
) -> None:
    desk.rules, desk.programme = PLAIN, programme(expiry={"mode": "days", "n": 30})
    for number in range(MANY):
        await desk.take(paid("100.00", id=f"{number}", customer=person(number)))
    desk.now = (NOON + 31 * DAY).replace(hour=0)
    await desk.accept(*(redeem(f"q{n}", 100, person(n), store="shopify/main") for n in range(MANY)))
    await asyncio.gather(
        book_alone(desk, "redemptions"),
        keep_up(desk.database, desk.terms()),
        book_alone(desk, "redemptions"),
        keep_up(desk.database, desk.terms()),
    )
    assert set(await states(desk, "redemptions")) == {("refused", "insufficient_points")}
    await check(desk)
    rows = await desk.rows(
        "select kind, count(*) as n, sum(points) as points from entries group by 1"
    )
    assert {tuple(row) for row in rows} == {
        ("earn", MANY, 100 * MANY),
        ("expire", MANY, -100 * MANY),
    }


async def test_the_last_points_are_spent_once_by_two_tills(desk: Desk) -> None:
    """Under two names, so that the two events are of different subjects and really run at once."""
    desk.rules = PLAIN
    for number in range(MANY):
        await desk.take(paid("100.00", id=f"{number}", customer=person(number)))
    await desk.accept(
        *(redeem(f"a{n}", 60, person(n), store="shopify/main") for n in range(MANY)),
        *(redeem(f"b{n}", 60, person(n, store="w"), store="square/till") for n in range(MANY)),
    )
    await asyncio.gather(*(book_alone(desk, "redemptions") for _ in range(4)))
    found = await states(desk, "redemptions")
    assert found.count(("done", "")) == MANY
    assert found.count(("refused", "insufficient_points")) == MANY
    assert [await balance(desk, person(n)["email"]) for n in range(MANY)] == [(40, 0, 0)] * MANY


async def test_a_hold_is_captured_or_released_and_never_both(desk: Desk) -> None:
    desk.rules = PLAIN
    await desk.take(paid("600.00"))
    for number in range(MANY):
        await desk.take(held(f"h{number}", 100))
    ends = [end for n in range(MANY) for end in (captured(f"h{n}"), released(f"h{n}"))]
    await desk.accept(*ends)
    await asyncio.gather(*(book_alone(desk, "redemptions") for _ in range(4)))
    spent = len(await desk.rows("select 1 from redemptions"))
    free = len(await desk.rows("select 1 from holds where state = 'released'"))
    assert spent + free == MANY
    assert await balance(desk) == (600 - 100 * spent, 0, 0)


async def test_an_order_of_an_account_that_is_being_merged_is_counted_once(desk: Desk) -> None:
    desk.rules = RULES
    for number in range(2 * MANY):
        await desk.take(signed_up(person(number)))
        await desk.take(paid("10.00", id=f"{number}", customer=person(number)))
    await desk.accept(
        *(paid("5.00", id=f"n{n}", customer=person(n)) for n in range(2 * MANY)),
        *(merged(person(n), person(n + MANY)) for n in range(MANY)),
    )
    await asyncio.gather(
        book_alone(desk, "orders"),
        book_alone(desk, "members"),
        book_alone(desk, "orders"),
        book_alone(desk, "members"),
    )
    await desk.work_off()
    found = [await balance(desk, person(n)["email"]) for n in range(2 * MANY)]
    assert found == [(100 + 30, 0, 0)] * (2 * MANY)
    rows = await desk.rows(
        "select orders_count, lifetime_spend from members where state = 'enrolled'"
    )
    assert [tuple(row) for row in rows] == [(4, 30)] * MANY


async def test_two_merges_of_the_same_accounts_both_ways_end_in_one(desk: Desk) -> None:
    desk.rules = RULES
    await desk.take(signed_up(person(1)), signed_up(person(2)))
    await desk.accept(merged(person(1), person(2)), merged(person(2), person(1)))
    await asyncio.gather(book_alone(desk, "members"), book_alone(desk, "members"))
    assert sorted(await states(desk, "members")) == [("done", ""), ("done", "already_merged")]
    assert await balance(desk, person(1)["email"]) == (100, 0, 0)
    rows = await desk.rows("select state from members order by state")
    assert [row.state for row in rows] == ["enrolled", "merged"]
