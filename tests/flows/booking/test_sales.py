"""Sales over their life: what they earn and what is taken back, in whatever order news come."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from loyalty.events import Event
from rules import RuleSet
from rules.shipped import shipped_rules
from tests.flows.booking.desk import (
    ADA,
    FLAT,
    NOON,
    Desk,
    cancelled,
    edited,
    event,
    line,
    paid,
    payment,
    piece,
    redeemed,
    refunded,
    signed_up,
)

KIT = line("39.00", sku="STARTER-KIT-01", at="L2")


@pytest.mark.parametrize(
    ("sale", "points"),
    [
        pytest.param(paid("79.90"), 79, id="a point per unit"),
        pytest.param(paid("0.99"), 0, id="less than a unit"),
        pytest.param(paid("99.99"), 99, id="just below the minimum"),
        pytest.param(paid("100.00"), 150, id="exactly the minimum"),
        pytest.param(paid("100.00", discount="0.01", lines=[line("100.00")]), 99, id="discounted"),
        pytest.param(paid("54.00", lines=[line("15.00"), KIT]), 154, id="a starter kit"),
        pytest.param(
            paid("130.00", lines=[line("30.00"), line("100.00", at="L2", is_gift_card=True)]),
            30,
            id="gift cards earn nothing",
        ),
        pytest.param(paid("0"), 0, id="nothing paid"),
        pytest.param(paid("12.00", lines=[]), 0, id="no lines"),
    ],
)
async def test_an_order_earns_what_the_rules_say(desk: Desk, sale: Event, points: int) -> None:
    await desk.take(sale)
    assert await desk.points() == points
    assert (await desk.state_of(sale))[0] == "done"


async def test_ten_thousand_lines_are_booked(desk: Desk) -> None:
    lines = [line("0.50", at=f"L{n}") for n in range(10_000)]
    await desk.take(paid("5000.00", lines=lines))
    assert await desk.points() == 5050


async def test_the_same_order_by_webhook_redelivery_and_poll_counts_once(desk: Desk) -> None:
    sale = paid("100.00")
    await desk.take(sale, sale)
    await desk.accept(sale, sale)
    await desk.work_off()
    assert await desk.points() == 150
    assert len(await desk.rows("select 1 from inbox")) == 1


@pytest.mark.parametrize(
    "refunds",
    [
        pytest.param(
            [refunded("r1", "10.00"), refunded("r2", "20.00"), refunded("r3", "70.00")],
            id="amounts",
        ),
        pytest.param(
            [
                refunded("r1", "30.00", lines=[piece("L1", "30.00")]),
                refunded("r2", "70.00", lines=[piece("L2", "70.00")]),
            ],
            id="lines",
        ),
        pytest.param([refunded("r1", "10.00"), refunded("r2", full=True)], id="the rest"),
        pytest.param(
            [refunded("r1", "10.00"), cancelled(), refunded("r2", "5.00")], id="cancelled"
        ),
    ],
)
async def test_what_is_given_back_in_steps_leaves_nothing(desk: Desk, refunds: list[Event]) -> None:
    sale = paid("100.00", lines=[line("30.00"), line("70.00", at="L2")])
    await desk.take(sale, *refunds)
    assert await desk.points() == 0
    assert (await desk.facts())["members"][0][2] == 0


async def test_each_partial_refund_takes_what_the_rest_would_not_have_earned(desk: Desk) -> None:
    await desk.take(paid("120.00"))
    balances = []
    for step, amount in enumerate(["0.50", "19.50", "0.50", "99.50"]):
        await desk.take(refunded(f"r{step}", amount))
        balances.append(await desk.points())
    # 119.50 -> 119 + 50, 100 -> 100 + 50, 99.50 -> 99 and no bonus, 0
    assert balances == [169, 150, 99, 0]


STORIES: dict[str, list[Event]] = {
    "lines and amounts": [
        refunded("r1", "30.00", lines=[piece("L1", "30.00")]),
        refunded("r2", "25.00"),
        refunded("r3", "5.00", lines=[piece("L2", "5.00", quantity=0)]),
    ],
    "edits and refunds": [
        edited("150.00", 1, lines=[line("30.00"), line("120.00", at="L2")]),
        edited("90.00", 2, lines=[line("30.00"), line("60.00", at="L2")]),
        refunded("r1", "20.00"),
    ],
    "a cancellation among them": [
        cancelled(),
        refunded("r1", "40.00"),
        edited("150.00", 1, lines=[line("150.00")]),
    ],
    "all of it": [
        refunded("r1", "60.00"),
        refunded("r2", "40.00"),
        edited("100.00", 1, lines=[line("30.00"), line("70.00", at="L2")], codes=["SPRING"]),
    ],
}


@pytest.mark.parametrize("story", STORIES)
async def test_the_order_of_arrival_makes_no_difference(desk: Desk, story: str) -> None:
    """Every order of the same news, each of it twice: told one by one, and in one batch."""
    sale = paid("100.00", lines=[line("30.00"), line("70.00", at="L2")])
    orders = list(itertools.permutations([sale, *STORIES[story]]))
    for at, told in enumerate(zip(*orders, strict=True)):
        await desk.accept(*(_of_member(n, one) for n, one in enumerate(told)))
        await desk.accept(*(_of_member(n, one) for n, one in enumerate(told)))
        await desk.work_off(limit=7 + at)
    at_once = [_of_member(len(orders) + n, one) for n, told in enumerate(orders) for one in told]
    await desk.accept(*at_once, *at_once)
    await desk.work_off()
    assert await desk.rows("select state from inbox where state <> 'done'") == []
    facts = await desk.facts()
    assert len(facts["members"]) == len(facts["sales"]) == 2 * len(orders)
    assert set(facts["members"]) == {facts["members"][0]}
    assert all(one == facts["sales"][0] for one in facts["sales"])


def _of_member(number: int, news: Event) -> Event:
    """The same news of another member's order."""
    data = news.data.model_dump(mode="json", exclude_none=True)
    data |= {name: f"{data[name]}/{number}" for name in ("id", "order_id") if name in data}
    if "customer" in data:
        data["customer"] = {"id": f"c{number}"}
    return event(news.type.value, f"{news.key}/{number}", data, at=news.time)


async def test_a_refund_before_its_order_waits_for_it(desk: Desk) -> None:
    refund = refunded("r1", "20.00")
    await desk.take(refund)
    assert await desk.state_of(refund) == (
        "parked",
        "the sale is not in the books yet: it goes on when the sale arrives",
    )
    await desk.take(paid("100.00"))
    assert (await desk.state_of(refund))[0] == "done"
    assert await desk.points() == 80


async def test_an_edit_that_comes_before_its_order_in_one_batch_is_applied(desk: Desk) -> None:
    await desk.accept(edited("80.00", 1), paid("100.00"))
    await desk.work_off()
    assert await desk.points() == 80


async def test_edits_go_up_and_down_and_older_ones_are_ignored(desk: Desk) -> None:
    await desk.take(paid("100.00"))
    balances = []
    for total, revision in [("120.00", 2), ("90.00", 1), ("90.00", 3), ("90.00", 3), ("99.00", 5)]:
        await desk.take(edited(total, revision))
        balances.append(await desk.points())
    assert balances == [170, 170, 90, 90, 99]


async def test_a_refund_is_reckoned_by_the_rules_of_its_award(desk: Desk) -> None:
    await desk.publish(shipped_rules())
    await desk.take(paid("100.00"))
    double = {"id": "double", "on": ["order.paid"], "then": [{"award": {"points": "300"}}]}
    await desk.publish(RuleSet.load([double]))
    desk.older.clear()
    await desk.take(refunded("r1", "10.00"), paid("10.00", id="1002"))
    assert await desk.points() == 90 + 300


async def test_a_refund_in_another_currency_is_refused_with_a_reason(desk: Desk) -> None:
    refund = event(
        "order.refunded", "r1", {"id": "r1", "order_id": "1001", "currency": "USD", "amount": "5"}
    )
    await desk.take(paid("100.00"), refund)
    assert await desk.state_of(refund) == ("refused", "the refund is in USD and the sale in EUR")
    assert await desk.points() == 150


async def test_a_payment_earns_and_its_refund_takes_back(desk: Desk) -> None:
    refund = event(
        "order.refunded",
        "r1",
        {"id": "r1", "order_id": "p1", "currency": "EUR", "amount": "10.50"},
        store="square/till",
    )
    await desk.take(payment("p1", "23.50", tip="3.00"))
    assert await desk.points() == 20
    await desk.take(refund)
    assert await desk.points() == 10


@pytest.mark.parametrize("first", ["payment", "order", "edit"])
async def test_an_order_earns_once_whether_its_payment_comes_before_or_after(
    desk: Desk, first: str
) -> None:
    news = {
        "payment": event(
            "payment.completed",
            "p1",
            {"id": "p1", "order_id": "1001", "currency": "EUR", "amount": "60", "customer": ADA},
        ),
        "order": paid("60.00"),
        "edit": edited("70.00", 1),
    }
    await desk.take(news.pop(first), *news.values())
    assert await desk.points() == 70
    await desk.take(refunded("r1", "20.00"))
    assert await desk.points() == 50


async def test_points_that_were_spent_become_debt_that_later_earnings_pay(desk: Desk) -> None:
    spent = redeemed("g1", 90)
    await desk.take(paid("99.00"), spent, refunded("r1", full=True))
    assert await desk.points() == -90
    short = redeemed("g2", 1)
    await desk.take(paid("60.00", id="1002"), short)
    assert await desk.points() == -30
    assert await desk.state_of(short) == (
        "refused",
        "not enough points: 1 asked for, -30 available",
    )
    await desk.take(paid("50.00", id="1003"))
    assert await desk.points() == 20
    lots = await desk.rows("select remaining from lots order by id")
    assert [lot.remaining for lot in lots] == [0, 0, 20]


@pytest.mark.parametrize(("asked", "state"), [(99, "done"), (100, "refused")])
async def test_no_more_is_spent_than_there_is(desk: Desk, asked: int, state: str) -> None:
    redemption = redeemed("g1", asked)
    await desk.take(paid("99.00"), redemption, redemption)
    assert (await desk.state_of(redemption))[0] == state
    assert await desk.points() == (0 if state == "done" else 99)


async def test_an_anonymous_sale_is_refused_with_a_reason(desk: Desk) -> None:
    nameless = [paid("10.00", customer=None), paid("10.00", id="1002", customer={"email": "no"})]
    await desk.take(*nameless)
    for sale in nameless:
        state, reason = await desk.state_of(sale)
        assert (state, reason) == ("refused", "nobody to credit: the sale names no customer")


async def test_two_sales_of_one_member_in_one_batch_see_each_other(desk: Desk) -> None:
    await desk.accept(paid("60.00"), paid("50.00", id="1002"))
    (booked,) = await desk.work_off()
    assert [one.outcome and one.outcome["balance"] for one in booked.closings] == [60, 110]


async def test_orders_in_two_shops_are_one_person_and_two_sales(desk: Desk) -> None:
    other = {**ADA, "id": "77"}
    await desk.take(paid("60.00"), paid("50.00", store="woocommerce/main", customer=other))
    assert await desk.points() == 110
    assert len(await desk.rows("select 1 from members")) == 1


async def test_the_entry_keeps_what_is_needed_to_explain_it(desk: Desk) -> None:
    await desk.take(paid("79.90", at=NOON - timedelta(days=1)))
    (entry,) = await desk.rows("select * from entries")
    assert entry.reason.startswith("79.90 of goods")
    assert entry.reason.endswith("= 79")
    assert entry.version == shipped_rules().version
    assert entry.occurred_at == NOON - timedelta(days=1)
    assert entry.snapshot == {"tier": "", "factor": "1", "programme": FLAT.version}
    assert entry.counts_at == entry.occurred_at


async def test_a_rule_that_fails_at_run_time_stops_nothing(desk: Desk) -> None:
    fails = {
        "id": "a-fails",
        "on": ["order.paid"],
        "when": ["hour(event.time, member.zone) >= 0"],  # the member has no time zone
        "then": [{"award": {"points": "1000"}}],
    }
    awards = {"id": "b-awards", "on": ["order.paid"], "then": [{"award": {"points": "7"}}]}
    desk.rules = RuleSet.load([fails, awards])
    await desk.accept(paid("50.00"))
    (booked,) = await desk.work_off()
    assert await desk.points() == 7
    (closing,) = booked.closings
    assert closing.outcome is not None
    assert [str(one).split(":")[0] for one in closing.outcome["errors"]] == ["a-fails"]


async def test_a_line_below_zero_does_not_make_a_refund_larger(desk: Desk) -> None:
    """A rebate that is written as a line."""
    lines = [line("50.00"), line("-20.00", at="L2"), line("30.00", at="L3")]
    await desk.take(paid("60.00", lines=lines))
    assert await desk.points() == 60
    await desk.take(refunded("r1", "30.00"))
    assert await desk.points() >= 30


async def test_sign_up_then_order_names_one_member(desk: Desk) -> None:
    await desk.take(signed_up(), paid("20.00"))
    assert await desk.points() == 70
