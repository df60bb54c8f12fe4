"""Points that are spent, set aside, let go, and that come back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from loyalty.events import Event
from rules import RuleSet
from tests.flows.booking.accounts import (
    DAY,
    PLAIN,
    adjusted,
    balance,
    captured,
    ending,
    held,
    ledger,
    programme,
    released,
    spent,
)
from tests.flows.booking.desk import NOON, Desk, cancelled, paid, refunded

RETURNING = programme(
    rewards={"return_on": "full_refund", "grace_days": 7}, expiry={"mode": "days", "n": 30}
)


@pytest.fixture
async def shop(desk: Desk) -> Desk:
    """Ada has 100 points."""
    desk.rules = PLAIN
    await desk.take(paid("100.00"))
    return desk


async def test_points_are_spent_as_far_as_they_are_there(shop: Desk) -> None:
    enough, too_many = spent("q1", 60), spent("q2", 41)
    await shop.take(enough, too_many)
    assert await ending(shop, enough) == ("done", "")
    assert await ending(shop, too_many) == ("refused", "insufficient_points")
    assert await balance(shop) == (40, 0, 0)
    (ada,) = await shop.rows("select points_redeemed, redemptions_count from members")
    assert tuple(ada) == (60, 1)


@pytest.mark.parametrize(
    ("kind", "told", "left"),
    [
        ("reward.redeemed", [spent("q1", 60)], 40),
        ("reward.held", [held("h1", 60)], 40),
        ("reward.captured", [held("h1", 60), captured("h1")], 40),
        ("reward.released", [held("h1", 60), released("h1")], 100),
        ("points.adjusted", [adjusted("a1", -60)], 40),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
async def test_what_a_rule_awards_for_it_is_booked_once(
    shop: Desk, kind: str, told: list[Event], left: int
) -> None:
    three = {"award": {"points": "3", "flat": True}}
    shop.rules = RuleSet.load([{"id": "three", "on": [kind], "then": [three]}])
    await shop.take(*told)
    available, pending, _ = await balance(shop)
    assert available + pending == left + 3
    rows = await shop.rows("select points from entries where rule = 'three'")
    assert [row.points for row in rows] == [3]


async def test_a_redemption_of_nobody_is_refused(shop: Desk) -> None:
    stranger = spent("q1", 10, customer={"email": "who@example.com"})
    await shop.take(stranger)
    assert await ending(shop, stranger) == ("refused", "unknown_member")


async def test_a_till_without_a_line_spends_into_debt_within_its_limit(shop: Desk) -> None:
    shop.programme = programme(offline={"max_points": 100, "on_sync_short": "accept_as_debt"})
    first, second = spent("t1", 60, is_offline=True), spent("t2", 60, is_offline=True)
    above = spent("t3", 101, is_offline=True)
    await shop.take(first, second, above)
    assert await balance(shop) == (-20, 0, 0)
    assert await ending(shop, above) == ("refused", "offline_limit")
    rows = await shop.rows(
        "select outcome -> 'alerts' as alerts from inbox where trigger = 'redemptions'"
        " and state = 'done' order by id"
    )
    assert [row.alerts for row in rows] == [[], ["offline_overdraw"]]


async def test_a_till_may_be_told_to_wait_for_enough_points(shop: Desk) -> None:
    shop.programme = programme(offline={"max_points": 200, "on_sync_short": "refuse"})
    till = spent("t1", 101, is_offline=True)
    await shop.take(till)
    assert await ending(shop, till) == ("refused", "insufficient_points")
    assert await balance(shop) == (100, 0, 0)


async def test_a_hold_keeps_points_from_others_until_it_ends(shop: Desk) -> None:
    other, late, again = spent("q1", 60), captured("h1"), released("h1", key="h1:again")
    await shop.take(held("h1", 60))
    assert await balance(shop) == (40, 0, 60)
    await shop.take(other)
    assert await ending(shop, other) == ("refused", "insufficient_points")
    await shop.take(released("h1"), late, again)
    assert await ending(shop, late) == ("refused", "already_released")
    assert await ending(shop, again) == ("done", "already_released")
    assert await balance(shop) == (100, 0, 0)


async def test_a_captured_hold_is_spent_once(shop: Desk) -> None:
    end = released("h1")
    await shop.take(held("h1", 60), captured("h1", used_on="2002"), end)
    assert await ending(shop, end) == ("refused", "already_captured")
    assert await balance(shop) == (40, 0, 0)
    (row,) = await shop.rows("select key, used_on, points from redemptions")
    assert tuple(row) == ("shopify/main:h1", "shopify/main:2002", 60)


async def test_the_end_of_a_hold_waits_for_its_beginning(shop: Desk) -> None:
    end = released("h1")
    await shop.take(end)
    assert await ending(shop, end) == ("parked", "unknown_hold")
    await shop.take(held("h1", 60))
    assert await ending(shop, end) == ("done", "")
    assert await balance(shop) == (100, 0, 0)


async def test_a_hold_and_its_end_may_come_in_one_batch(shop: Desk) -> None:
    await shop.accept(held("h1", 60), captured("h1"), held("h2", 40), released("h2"))
    await shop.work_off()
    assert await balance(shop) == (40, 0, 0)


async def test_the_end_of_a_refused_hold_does_not_wait_for_ever(shop: Desk) -> None:
    early, end = captured("h1"), released("h1")
    await shop.take(early, held("h1", 101), end)
    assert await ending(shop, early) == ("refused", "unknown_hold")
    assert await ending(shop, end) == ("refused", "unknown_hold")


async def test_held_points_outlive_their_day_until_they_are_let_go(shop: Desk) -> None:
    shop.programme = programme(expiry={"mode": "days", "n": 30})
    shop.expiry_since = NOON + 20 * DAY
    await shop.take(paid("50.00", id="1002"))
    await shop.take(held("h1", 150))
    shop.now = NOON + 39 * DAY
    assert await balance(shop) == (0, 0, 150)
    shop.now = NOON + 40 * DAY
    await shop.take(released("h1", at=shop.now))
    assert await balance(shop) == (100, 0, 0)
    assert (await ledger(shop))[-1] == ("expire", -50)


@pytest.mark.parametrize("way", ["refund", "cancellation", "both"])
async def test_spent_points_come_back_once_with_the_order_they_were_used_on(
    shop: Desk, way: str
) -> None:
    shop.programme = RETURNING
    await shop.take(spent("q1", 70, used_on="2002"), paid("20.00", id="2002"))
    assert await balance(shop) == (50, 0, 0)
    ends = {
        "refund": [refunded("r1", order="2002", full=True)],
        "cancellation": [cancelled("2002")],
    }
    ends["both"] = ends["refund"] + ends["cancellation"]
    await shop.take(*ends[way])
    assert await balance(shop) == (100, 0, 0)
    (row,) = await shop.rows("select state from redemptions")
    (ada,) = await shop.rows("select points_redeemed, redemptions_count from members")
    assert (row.state, *ada) == ("returned", 0, 0)


async def test_a_partial_refund_brings_nothing_back(shop: Desk) -> None:
    shop.programme = RETURNING
    await shop.take(spent("q1", 70, used_on="2002"), paid("20.00", id="2002"))
    await shop.take(refunded("r1", "19.00", order="2002"))
    assert await balance(shop) == (31, 0, 0)


async def test_points_whose_day_has_passed_come_back_for_the_days_of_grace(desk: Desk) -> None:
    desk.rules, desk.programme = PLAIN, RETURNING
    await desk.take(paid("100.00"))
    desk.now = NOON + 29 * DAY
    await desk.take(spent("q1", 100, used_on="2002", at=desk.now))
    await desk.take(paid("20.00", id="2002", at=desk.now))
    desk.now = NOON + 36 * DAY
    refund = refunded("r1", order="2002", full=True).model_copy(update={"time": desk.now})
    await desk.take(refund)
    rows = await desk.rows("select remaining, expires_at from lots where remaining > 0")
    gone = (desk.now + 8 * DAY).replace(hour=0)
    assert [tuple(row) for row in rows] == [(100, gone)]


async def test_a_redemption_in_debt_is_forgiven_with_its_order(shop: Desk) -> None:
    shop.programme = programme(
        rewards={"return_on": "full_refund"},
        offline={"max_points": 500, "on_sync_short": "accept_as_debt"},
    )
    await shop.take(spent("t1", 150, is_offline=True, used_on="2002"), paid("20.00", id="2002"))
    assert await balance(shop) == (-30, 0, 0)
    await shop.take(cancelled("2002"))
    assert await balance(shop) == (100, 0, 0)


async def test_spending_renews_a_balance_that_lapses_by_inactivity(shop: Desk) -> None:
    shop.programme = programme(expiry={"mode": "inactivity_months", "n": 1})
    shop.expiry_since = NOON
    evening: datetime = NOON + timedelta(days=31, hours=8)
    shop.now = evening
    await shop.take(spent("q1", 10, at=evening))
    shop.now = evening + 4 * timedelta(hours=1)
    assert await balance(shop) == (90, 0, 0)
