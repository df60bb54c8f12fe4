"""What the programme's settings make of sales: caps, limits, currencies, tiers, milestones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from flows.progress import due_standing
from loyalty.events import Event
from loyalty.programme import Programme
from loyalty.store import rulebook
from rules import RuleSet
from tests.flows.booking.desk import (
    ADA,
    NOON,
    Desk,
    cancelled,
    edited,
    event,
    line,
    paid,
    piece,
    redeemed,
    refunded,
    signed_up,
)

EARN = {
    "id": "base",
    "on": ["order.paid", "payment.completed"],
    "then": [{"earn": {"points": "1", "per": "1.00"}}],
}
DAY = timedelta(days=1)


def reversed_(refund: str, order: str = "1001") -> Event:
    """refund.reversed."""
    return event("refund.reversed", refund, {"refund_id": refund, "order_id": order})


@pytest.fixture
def shop(desk: Desk) -> Desk:
    """A desk with one point per unit, and nothing else."""
    desk.rules, desk.programme = RuleSet.load([EARN]), Programme()
    return desk


async def _set(desk: Desk, **settings: Any) -> None:
    desk.programme = Programme.model_validate(settings)
    async with desk.database.begin() as connection:
        await rulebook.save_programme(connection, desk.programme, now=desk.now)


async def _outcome(desk: Desk, one: Event) -> dict[str, Any]:
    (row,) = await desk.rows(
        "select outcome from inbox where business_key = :key", key=one.business_key
    )
    found: dict[str, Any] = row.outcome
    return found


async def _member(desk: Desk) -> Any:
    return (await desk.rows("select * from members order by id limit 1"))[0]


# --- refunds that are taken back, edits, what is let off -----------------------------------------


async def test_a_refund_that_was_reversed_gives_the_points_back_once(shop: Desk) -> None:
    news = reversed_("r1")
    await shop.take(paid("100.00"), refunded("r1", full=True))
    assert (await shop.points(), (await _member(shop)).orders_count) == (0, 0)
    await shop.take(news, news)
    assert (await shop.points(), (await _member(shop)).orders_count) == (100, 1)
    kinds = [row.kind for row in await shop.rows("select kind from entries order by id")]
    assert kinds == ["earn", "reverse", "restore"]


async def test_a_reversal_may_come_before_its_refund(shop: Desk) -> None:
    await shop.take(paid("100.00"), reversed_("r1"), refunded("r1", "40.00"))
    assert await shop.points() == 100


async def test_what_was_let_off_is_not_given_back(shop: Desk) -> None:
    shop.programme = Programme.model_validate({"refund": {"negative": "clamp"}})
    refund = refunded("r1", full=True)
    await shop.take(paid("100.00"), redeemed("g1", 60), refund)
    assert await shop.points() == 0
    assert (await _outcome(shop, refund))["written_off"] == 60
    await shop.take(reversed_("r1"))
    assert await shop.points() == 40


async def test_own_lots_only_leaves_the_points_of_other_orders(shop: Desk) -> None:
    shop.programme = Programme.model_validate({"refund": {"negative": "own_lot_only"}})
    await shop.take(paid("100.00"), redeemed("g1", 60), paid("30.00", id="2"))
    await shop.take(refunded("r1", full=True))
    assert await shop.points() == 30


async def test_expired_points_are_not_taken_a_second_time(shop: Desk) -> None:
    shop.programme = Programme.model_validate({"expiry": {"mode": "days", "n": 10}})
    await shop.take(paid("100.00"), redeemed("g1", 30))
    shop.now = NOON + 20 * DAY
    await shop.take(refunded("r1", "50.00"))
    assert await shop.points() == 0
    await shop.take(refunded("r2", "50.00"))
    assert await shop.points() == -30


async def test_an_edit_is_booked_with_the_dates_of_the_sale(shop: Desk) -> None:
    shop.programme = Programme.model_validate({"expiry": {"mode": "days", "n": 10}})
    await shop.take(paid("100.00"))
    shop.now = NOON + 3 * DAY
    await shop.take(edited("130.00", 2))
    rows = await shop.rows("select distinct earned_at, expires_at from lots")
    assert [tuple(row) for row in rows] == [(NOON, datetime(2026, 3, 13, tzinfo=UTC))]


async def test_a_late_older_edit_is_stale(shop: Desk) -> None:
    late = edited("150.00", 1)
    await shop.take(paid("100.00"), edited("90.00", 2), late)
    assert (await _outcome(shop, late))["code"] == "stale"
    assert await shop.points() == 90


@pytest.mark.parametrize(
    ("refund", "left"),
    [
        pytest.param(refunded("r1", "5.95", shipping="5.95"), 100, id="shipping"),
        pytest.param(refunded("r1", "12.60"), 90, id="an amount with tax"),
        pytest.param(refunded("r1", "10.00", lines=[piece("L1", "10.00")]), 0, id="a line"),
    ],
)
async def test_what_a_refund_takes_where_tax_comes_on_top(
    shop: Desk, refund: Event, left: int
) -> None:
    await shop.take(paid("126.00", lines=[line("100.00")], shipping="5.95", tax="20.05"), refund)
    assert await shop.points() == left


async def test_a_trial_of_the_shop_does_not_count(shop: Desk) -> None:
    trial = paid("10.00", is_test=True)
    await shop.take(signed_up(), trial)
    assert (await shop.state_of(trial))[0] == "done"
    assert (await _outcome(shop, trial))["code"] == "test_order"
    assert (await shop.points(), (await _member(shop)).orders_count) == (0, 0)


async def test_an_award_for_a_refund_itself_is_booked(shop: Desk) -> None:
    sorry = {"id": "sorry", "on": ["order.refunded"], "then": [{"award": {"points": "5"}}]}
    shop.rules = RuleSet.load([EARN, sorry])
    await shop.take(paid("100.00"), refunded("r1", "40.00"))
    assert await shop.points() == 65


# --- older rules and programmes -------------------------------------------------------------------


async def test_a_refund_is_reckoned_by_the_programme_of_its_award(shop: Desk) -> None:
    await _set(shop, rounding="ceil")
    await shop.take(paid("10.50"))
    assert await shop.points() == 11
    await _set(shop, rounding="floor")
    shop.older_programmes.clear()
    await shop.take(refunded("r1", "1.00"), paid("10.50", id="2"))
    assert await shop.points() == 10 + 10


# --- currencies -----------------------------------------------------------------------------------


async def test_an_order_without_a_rate_waits_for_one(shop: Desk) -> None:
    await _set(shop, currency="USD")
    sale = paid("49.99")
    await shop.take(sale)
    assert (await shop.state_of(sale))[0] == "parked"
    assert (await _outcome(shop, sale))["code"] == "fx_missing"
    await _set(shop, currency="USD", fx={"EUR": {"2026-02-27": "1.0850"}})
    await shop.work_off()
    assert await shop.points() == 54
    await _set(shop, currency="USD", fx={"EUR": {"2026-03-02": "1.2000"}})
    await shop.take(refunded("r1", "20.00"))
    assert await shop.points() == 32


# --- caps and limits ------------------------------------------------------------------------------


async def test_a_cap_is_of_the_orders_own_month(shop: Desk) -> None:
    shop.programme = Programme.model_validate(
        {"caps": [{"id": "monthly", "period": "month", "points": 500}]}
    )
    await shop.take(paid("450.00"), paid("100.00", id="2"))
    assert await shop.points() == 500
    await shop.take(paid("100.00", id="3", at=NOON + 30 * DAY))
    assert await shop.points() == 600
    await shop.take(refunded("r1", "200.00"), paid("80.00", id="4"))
    assert await shop.points() == 250 + 50 + 100 + 80
    (used,) = await shop.rows("select points from limit_uses where bucket = '2026-03'")
    assert used.points == 380


async def test_a_refund_under_a_full_cap_takes_only_what_the_rest_is_short_of(shop: Desk) -> None:
    shop.programme = Programme.model_validate({"caps": [{"id": "all", "points": 100}]})
    await shop.take(paid("150.00"), refunded("r1", "30.00"))
    assert await shop.points() == 100
    await shop.take(refunded("r2", "60.00"))
    assert await shop.points() == 60


async def test_a_budget_is_never_oversold_and_comes_back(shop: Desk) -> None:
    launch = {
        "id": "launch",
        "on": ["order.paid"],
        "then": [
            {"award": {"points": "100", "flat": True}},
            {"post_to_chat": {"template": "order_news"}},
        ],
        "limits": [{"points": 250, "per": "rule", "on_short": "skip"}],
    }
    shop.rules = RuleSet.load([launch])
    buyers = [{"id": f"c{n}", "email": f"c{n}@example.com"} for n in range(4)]
    await shop.accept(*(paid("1.00", id=f"{n}", customer=one) for n, one in enumerate(buyers)))
    await shop.work_off()
    assert sorted(row.points for row in await shop.rows("select points from members")) == [
        0, 0, 100, 100,
    ]  # fmt: skip
    assert len(await shop.deliveries()) == 2
    await shop.take(cancelled("0"), paid("1.00", id="9", customer=buyers[3]))
    assert [row.points for row in await shop.rows("select points from limit_uses")] == [200]
    await shop.check_books()


# --- guests ---------------------------------------------------------------------------------------


async def test_a_guests_old_order_is_in_the_books_and_earns_nothing(shop: Desk) -> None:
    shop.programme = Programme.model_validate({"retro_days": 30})
    guest = {"email": ADA["email"]}
    await shop.take(
        paid("70.00", id="old", customer=guest, at=NOON - 60 * DAY),
        paid("100.00", id="new", customer=guest, at=NOON - 10 * DAY),
        refunded("r1", "40.00", order="new"),
        signed_up(),
    )
    assert await shop.points() == 60
    await shop.take(refunded("r2", full=True, order="old"))
    assert (await shop.points(), (await _member(shop)).orders_count) == (60, 1)


# --- tiers and milestones -------------------------------------------------------------------------

ROLLING = {
    "metric": "spend",
    "window": "rolling_months",
    "months": 12,
    "levels": [
        {"name": "bronze", "at": "0"},
        {"name": "silver", "at": "500", "factor": "1.5", "entry_bonus": 50},
        {"name": "gold", "at": "1000", "factor": "2", "entry_bonus": 100},
    ],
}


async def test_the_order_that_lifts_earns_at_the_old_factor(shop: Desk) -> None:
    shop.programme = Programme.model_validate({"tiers": ROLLING})
    await shop.take(paid("1200.00"))
    assert ((await _member(shop)).tier, await shop.points()) == ("gold", 1300)
    assert [(one["before"], one["after"]) for one in await shop.emitted("tier.changed")] == [
        ("bronze", "gold")
    ]
    await shop.take(paid("100.00", id="2"))
    assert await shop.points() == 1300 + 200
    assert (await _member(shop)).lifetime_points == 1400


async def test_a_tier_ends_by_time_whether_or_not_a_job_has_run(shop: Desk) -> None:
    shop.programme = Programme.model_validate({"tiers": ROLLING})
    await shop.take(paid("300.00"), paid("250.00", id="2", at=NOON + 180 * DAY))
    assert (await _member(shop)).tier == "silver"
    shop.now = datetime(2027, 3, 2, 23, 59, 59, tzinfo=UTC)
    async with shop.database.begin() as connection:
        assert (await due_standing(connection, shop.terms())).members == 0
    shop.now = datetime(2027, 3, 3, tzinfo=UTC)
    before = await shop.points()
    await shop.take(paid("10.00", id="3", at=shop.now))
    assert await shop.points() == before + 10
    async with shop.database.begin() as connection:
        assert (await due_standing(connection, shop.terms())).members == 0
    assert (await _member(shop)).tier == "bronze"


async def test_the_clock_ends_tiers_once(shop: Desk) -> None:
    shop.programme = Programme.model_validate({"tiers": ROLLING})
    await shop.take(paid("600.00"))
    shop.now = NOON + 400 * DAY
    for changed in (1, 0):
        async with shop.database.begin() as connection:
            ended = await due_standing(connection, shop.terms())
        assert len(ended.emitted) == changed
    assert (await _member(shop)).tier == "bronze"


async def test_without_refund_downgrades_only_time_lowers_a_tier(shop: Desk) -> None:
    shop.programme = Programme.model_validate({"tiers": ROLLING})
    await shop.take(paid("600.00"), refunded("r1", full=True))
    assert (await _member(shop)).tier == "silver"


async def test_an_entry_bonus_comes_once(shop: Desk) -> None:
    shop.programme = Programme.model_validate({"tiers": {**ROLLING, "refund_downgrades": True}})
    await shop.take(paid("600.00"), refunded("r1", full=True))
    assert ((await _member(shop)).tier, await shop.points()) == ("bronze", 50)
    await shop.take(paid("600.00", id="2"))
    assert ((await _member(shop)).tier, await shop.points()) == ("silver", 650)


@pytest.mark.parametrize(
    ("plan", "balances"),
    [
        pytest.param({"once": True}, [260, 200, 260], id="once, kept"),
        pytest.param({"once": True, "claw_back": True}, [260, 150, 260], id="once, taken back"),
        pytest.param({"once": False}, [260, 200, 310], id="every time"),
    ],
)
async def test_milestones_pay(shop: Desk, plan: dict[str, bool], balances: list[int]) -> None:
    milestone = {"id": "s200", "metric": "spend", "at": "200", "points": 50, **plan}
    shop.programme = Programme.model_validate({"milestones": [milestone]})
    await shop.take(paid("150.00"))
    found = []
    for news in [paid("60.00", id="2"), refunded("r1", full=True, order="2"), paid("60", id="3")]:
        await shop.take(news)
        found.append(await shop.points())
    assert found == balances


async def test_sales_in_one_batch_are_booked_as_one_by_one(shop: Desk) -> None:
    shop.programme = Programme.model_validate(
        {"tiers": ROLLING, "caps": [{"id": "all", "points": 900}]}
    )
    await shop.accept(*(paid("200.00", id=f"{n}") for n in range(5)))
    await shop.work_off()
    # 200, 200, 200 (now 600: silver), then 300 of which the cap leaves 300, then nothing.
    assert await shop.points() == 900 + 50 + 100
    member = await _member(shop)
    assert (member.tier, member.lifetime_spend) == ("gold", Decimal(1000))
