"""An order is explained from what was stored with it, whatever was published since."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest_asyncio

from loyalty.events import Line, Tender
from loyalty.policies import Cap, TierLevel, TierPlan
from loyalty.store import stories
from loyalty.store.database import Database
from rules.story import tell
from rules.told import Explanation
from tests.flows.simulation.house import PER_EURO, House, cancelled, paid, redeemed, refunded

BONUS: dict[str, Any] = {
    "id": "big-order",
    "description": "Ten more for fifty.",
    "on": ["order.paid"],
    "when": ["order.eligible >= 50", 'order.channel == "web"'],
    "then": [{"award": {"points": "10", "flat": True}}],
}
GROUP = {"mode": "first", "name": "treats"}
RIVALS: list[dict[str, Any]] = [
    {
        "id": name,
        "on": ["order.paid"],
        "priority": priority,
        "group": GROUP,
        "then": [{"award": {"points": "5", "flat": True}}],
    }
    for name, priority in (("winner", 2), ("loser", 1))
]


@pytest_asyncio.fixture
async def house(database: Database) -> AsyncIterator[House]:
    yield await House(database).open()


async def explain(house: House, order: str) -> Explanation:
    async with house.database.begin() as connection:
        (event,) = await stories.sold(connection, order)
        return tell(await stories.story_of(connection, event, now=house.now))


def said(told: Explanation) -> str:
    return "\n".join(told.says)


async def test_each_rule_is_told_with_its_clause_and_values(house: House) -> None:
    await house.switch(PER_EURO, BONUS, *RIVALS)
    await house.take(paid("o1", "60.00", channel="pos"))
    told = await explain(house, "o1")
    rules = {one.rule: one for one in told.rule_stories}

    assert (told.points, told.points_now, told.doubts) == (65, 65, ())
    assert rules["per-euro"].points == 60
    assert "60" in rules["per-euro"].arithmetic
    missed = rules["big-order"]
    assert (missed.verdict, missed.fired) == ("not held", False)
    assert '`order.channel == "web"`' in missed.why
    assert [clause.held for clause in missed.clauses] == [True, False]
    assert "order.channel is" in missed.why
    assert (rules["winner"].points, rules["loser"].verdict) == (5, "lost")
    assert "`winner` was chosen in group treats" in rules["loser"].why
    assert said(told).startswith("Order o1 of 2026-01-05 10:00 UTC earned 65 points under")


async def test_lines_and_charges_that_do_not_count_are_told(house: House) -> None:
    lines = (
        Line(id="L1", sku="TEA", title="Tea", quantity=1, unit_price=Decimal("40.00")),
        Line(
            id="L2", sku="GC", title="Gift card", quantity=1, unit_price=Decimal("50.00"),
            is_gift_card=True,
        ),
    )  # fmt: skip
    await house.switch(PER_EURO, eligible={"subtract_tenders": ["gift_card"]})
    tenders = (Tender(kind="gift_card", amount=Decimal("15.00")),)
    more = {"lines": lines, "shipping": Decimal("5.00"), "tenders": tenders}
    await house.take(paid("o1", "95.00", **more))
    told = await explain(house, "o1")
    assert told.points == 25
    assert [(one.line, one.counts) for one in told.lines] == [("L1", 25), ("L2", 0)]
    words = said(told)
    assert (
        "Line Gift card: 0.00 of 50.00 counted, a gift card that is bought earns nothing" in words
    )
    assert "shipping of 5.00 does not count" in words
    assert "15.00 paid by gift card does not count" in words


async def test_a_cap_that_bit_is_told(house: House) -> None:
    await house.switch(PER_EURO, caps=[Cap(id="day", period="day", points=50).model_dump()])
    await house.take(paid("o1", "80.00"))
    told = await explain(house, "o1")
    (rule,) = told.rule_stories
    assert rule.capped is not None
    assert (rule.capped["wanted"], rule.capped["granted"]) == (80, 50)
    assert "80 were wanted; cap:day had room for 50 only" in said(told)


async def test_the_tiers_factor_is_told(house: House) -> None:
    plan = TierPlan(
        metric="spend",
        levels=(TierLevel(name="base", at=0), TierLevel(name="gold", at=50, factor=2)),
    )
    await house.switch(tiers=plan.model_dump())
    await house.take(paid("o1", "60.00"), paid("o2", "10.00", days=1))
    told = await explain(house, "o2")
    assert (told.tier, told.factor, told.points) == ("gold", "2", 20)
    assert "times 2 in the tier gold" in said(told)
    assert "2 (gold)" in told.rule_stories[0].arithmetic


async def test_what_came_later_is_told_with_its_arithmetic(house: House) -> None:
    await house.take(
        paid("o1", "60.00"), refunded("r1", "o1", "20.00", days=1), cancelled("o1", days=2)
    )
    told = await explain(house, "o1")
    assert [(one.what, one.points, one.stands) for one in told.later] == [
        ("order.refunded", -20, 40),
        ("order.cancelled", -40, 0),
    ]
    assert told.later[0].says == (
        "Refund r1 of 20.00 EUR. 40.00 EUR of it still counts. That is worth 40 points, and 60 "
        "stood: 20 were taken back."
    )
    assert told.points_now == 0
    assert "Nothing is left of it." in told.later[1].says


async def test_points_that_were_spent_and_are_owed_are_told(house: House) -> None:
    await house.take(
        paid("o1", "60.00"), redeemed("d1", 50, days=1), refunded("r1", "o1", "30.00", days=2)
    )
    (later,) = (await explain(house, "o1")).later
    assert later.points == -30
    assert "20 of them were spent already and are owed now" in later.says


async def test_it_stays_true_when_everything_was_changed_since(house: House) -> None:
    await house.switch(PER_EURO, BONUS)
    await house.take(paid("o1", "60.00", channel="web"))
    before = await explain(house, "o1")
    await house.switch(
        {**PER_EURO, "then": [{"earn": {"points": "7", "per": "1.00"}}]},
        eligible={"shipping": True},
        rounding="ceil",
    )
    await house.take(paid("o2", "10.00", days=1))
    after = await explain(house, "o1")
    assert after.rule_stories == before.rule_stories
    assert (after.points, after.rules, after.lines) == (70, before.rules, before.lines)
    assert (await explain(house, "o2")).points == 70


async def test_it_goes_through_json_and_back(house: House) -> None:
    await house.take(paid("o1", "60.00"), refunded("r1", "o1", "20.00", days=1))
    told = await explain(house, "o1")
    assert Explanation.model_validate_json(told.model_dump_json()) == told
