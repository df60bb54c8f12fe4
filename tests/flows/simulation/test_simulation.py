"""Rules on trial with what happened: what they would have given, beside what was booked."""

from __future__ import annotations

from typing import Any

import pytest

from loyalty.events import Channel, ConsentState, EventType
from loyalty.policies import Cap, TierLevel, TierPlan
from loyalty.programme import Programme
from tests.flows.simulation.house import (
    PER_EURO,
    House,
    at,
    cancelled,
    event,
    paid,
    person,
    redeemed,
    refunded,
)

WEEKEND: dict[str, Any] = {
    "id": "weekend",
    "on": ["order.paid"],
    "when": ['weekday(event.time, programme.zone) in ["saturday", "sunday"]'],
    "then": [{"multiply": {"by": "2"}}],
}
BONUS: dict[str, Any] = {
    "id": "bonus",
    "on": ["order.paid"],
    "when": ["order.eligible >= 50"],
    "then": [{"award": {"points": "10", "flat": True}}],
}
THANKS: dict[str, Any] = {
    "id": "thanks",
    "on": ["order.paid"],
    "then": [{"send_message": {"channel": "email", "template": "thanks"}}],
}


async def test_double_points_at_weekends_over_january(house: House) -> None:
    await house.take(
        paid("o1", "100.00", days=4),
        paid("o2", "50.00", days=5),
        paid("o3", "30.00", who="bob", days=6),
        refunded("r1", "o3", "10.00", who="bob", days=7),
    )
    before = await house.everything()
    found = await house.simulate(PER_EURO, WEEKEND)
    assert (found.actual_points, found.simulated_points, found.difference) == (170, 240, 70)
    assert found.tally.fired == {"per-euro": 3, "weekend": 2}
    assert [(one.difference, one.simulated.points) for one in found.members] == [
        (50, 200),
        (20, 40),
    ]
    assert await house.everything() == before
    assert await house.balances() == [150, 20]


async def test_the_rules_in_force_change_nothing(house: House) -> None:
    """The replay of everything under what it was booked under is what is in the books."""
    await house.switch(
        PER_EURO,
        BONUS,
        tiers=TierPlan(
            levels=(TierLevel(name="base", at=0), TierLevel(name="gold", at=100, factor=2))
        ),
        caps=(Cap(id="day", period="day", points=150),),
        pending_days=1,
    )
    for number in range(12):
        who = ("ann", "bob", "cem")[number % 3]
        await house.take(paid(f"o{number}", f"{40 + 7 * number}.50", who=who, days=number))
    await house.take(
        refunded("r1", "o3", "20.00", days=13),
        redeemed("d1", 60, who="bob", days=14),
        cancelled("o5", who="cem", days=15),
        refunded("r2", "o9", "104.00", days=16),
    )
    found = await house.simulate()
    assert found.members == ()
    assert found.difference == 0
    assert found.actual_points == sum(
        row.points for row in await house.rows("select points from entries where kind <> 'redeem'")
    )
    assert found.events == 16


async def test_only_the_period_is_tried_and_what_came_before_stands(house: House) -> None:
    await house.take(paid("o1", "100.00", days=0))
    await house.switch(PER_EURO, BONUS)
    await house.take(paid("o2", "60.00", days=10), paid("o3", "60.00", days=20))
    found = await house.simulate(PER_EURO, since=at(15), until=at(25))
    assert (found.actual_points, found.simulated_points) == (70, 60)
    assert (found.events, found.replayed) == (1, 3)


async def test_a_refund_in_the_period_of_an_older_order_keeps_the_orders_rules(
    house: House,
) -> None:
    await house.take(paid("o1", "100.00", days=0))
    await house.take(refunded("r1", "o1", "40.00", days=10))
    doubled = {**PER_EURO, "then": [{"earn": {"points": "2", "per": "1.00"}}]}
    found = await house.simulate(doubled, since=at(5))
    assert (found.actual_points, found.simulated_points) == (-40, -40)
    assert (found.simulated.added, found.simulated.removed) == (0, 40)


async def test_the_facts_are_those_of_then(house: House) -> None:
    """The first order is the first one, though the member has five by now."""
    first = {
        "id": "first",
        "on": ["order.paid"],
        "when": ["member.orders_count == 0"],
        "then": [{"award": {"points": "25", "flat": True}}],
    }
    await house.take(*(paid(f"o{n}", "10.00", days=n) for n in range(5)))
    found = await house.simulate(PER_EURO, first)
    assert found.difference == 25
    assert found.tally.fired["first"] == 1
    assert (await house.simulate(PER_EURO, first, since=at(2))).difference == 0


async def test_what_tiers_would_have_come_of_it(house: House) -> None:
    await house.take(paid("o1", "80.00", days=0), paid("o2", "80.00", who="bob", days=1))
    await house.take(paid("o3", "50.00", days=2))
    plan = TierPlan(
        metric="earned_points",
        levels=(TierLevel(name="base", at=0), TierLevel(name="gold", at=100, factor=3)),
    )
    tried = Programme(**{**house.programme.model_dump(), "tiers": plan})
    found = await house.simulate(programme=tried)
    tiers = {one.simulated.tier: one for one in found.members if one.changes_tier}
    assert tiers["gold"].actual.tier == ""
    await house.switch(tiers=plan)
    await house.take(paid("o4", "50.00", days=3))
    lifted = await house.simulate(since=at(3))
    assert lifted.simulated_points == lifted.actual_points


async def test_caps_and_limits_that_are_reached_are_named(house: House) -> None:
    limited = {**BONUS, "limits": [{"times": 1, "per": "member", "every": "month"}]}
    await house.take(paid("o1", "60.00", days=0), paid("o2", "60.00", days=1))
    capped = Programme(
        **{**house.programme.model_dump(), "caps": [Cap(id="week", period="iso_week", points=100)]}
    )
    found = await house.simulate(PER_EURO, limited, programme=capped)
    assert found.simulated_points == 100
    assert found.tally.withheld == {"bonus:times:member:month": 10, "cap:week": 30}
    assert found.tally.capped == {"bonus:times:member:month": 1, "cap:week": 1}


async def test_a_budget_that_all_share_is_spent_in_the_order_of_events(house: House) -> None:
    shared = {**BONUS, "limits": [{"points": 15, "per": "rule", "every": "ever"}]}
    await house.take(
        paid("o1", "60.00", who="bob", days=0),
        paid("o2", "60.00", who="ann", days=1),
        paid("o3", "60.00", who="cem", days=2),
    )
    found = await house.simulate(PER_EURO, shared, processes=2)
    assert "in one pass, for the budgets of bonus" in found.way
    assert sorted(one.difference for one in found.members) == [5, 10]
    assert found.simulated_points == 195


async def test_messages_that_would_go_out_pass_the_same_gate(house: House) -> None:
    granted = {Channel.EMAIL: ConsentState.GRANTED}
    agreeing = person("ann").model_copy(update={"consents": granted})
    await house.take(
        event(EventType.CUSTOMER_CREATED, "ann", agreeing, who="ann", days=0),
        paid("o1", "60.00", days=1),
        paid("o2", "60.00", who="bob", days=1),
    )
    found = await house.simulate(PER_EURO, THANKS)
    assert found.tally.sent == {"thanks email": 1}
    assert (found.simulated.messages, found.actual.messages) == (1, 0)


async def test_rules_that_never_fire_and_rules_that_fail_are_named(house: House) -> None:
    never = {**BONUS, "id": "never", "when": ["order.eligible >= 5000"]}
    fails = {**BONUS, "id": "fails", "then": [{"award": {"points": "order.total * 100000000"}}]}
    await house.take(paid("o1", "60.00", days=0))
    found = await house.simulate(PER_EURO, never, fails)
    assert set(found.silent) == {"never", "fails"}
    (error,) = found.tally.errors
    assert error.startswith("fails: ")


async def test_a_redemption_that_had_not_enough_points_then_may_have_them_now(
    house: House,
) -> None:
    await house.take(paid("o1", "50.00", days=0), redeemed("d1", 80, days=1))
    (row,) = await house.rows("select state from inbox where type = 'reward.redeemed'")
    assert row.state == "refused"
    doubled = {**PER_EURO, "then": [{"earn": {"points": "2", "per": "1.00"}}]}
    found = await house.simulate(doubled)
    assert (found.actual_points, found.simulated_points) == (50, 100)


@pytest.mark.parametrize("processes", [2])
async def test_shared_out_over_processes_it_is_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    monkeypatch.setattr("flows.simulation.sharing.SMALL", 0)
    for number in range(9):
        await house.take(paid(f"o{number}", f"{50 + number}.00", who=f"w{number % 4}", days=number))
    alone = await house.simulate(PER_EURO, WEEKEND, BONUS)
    shared = await house.simulate(PER_EURO, WEEKEND, BONUS, processes=processes)
    assert shared.way == f"by member, on {processes} processes"
    same = {"way", "seconds"}
    assert shared.model_dump(exclude=same) == alone.model_dump(exclude=same)


async def test_nothing_happened(house: House) -> None:
    found = await house.simulate(PER_EURO)
    assert (found.actual_points, found.simulated_points, found.events) == (0, 0, 0)
    assert found.silent == ("per-euro",)
