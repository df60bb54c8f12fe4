"""Rewards in a replay: asked for, issued, used, voided again, and what rules make of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from flows.simulation import Simulation, Trial, simulate
from flows.simulation.telling import lines
from loyalty import reward_events
from loyalty.store import reward_ends
from loyalty.store.database import Database
from rules import RuleSet
from tests.flows.booking.accounts import PLAIN
from tests.flows.booking.desk import paid, refunded
from tests.flows.rewards.shelf import RewardDesk, item, programme
from tests.flows.simulation.house import put_in_force

BONUS: dict[str, Any] = {
    "id": "bonus-on-rewards",
    "on": ["reward.issued"],
    "then": [{"award": {"points": "7", "flat": True}}],
}
HALF: dict[str, Any] = {
    "id": "half-a-point",
    "on": ["order.paid"],
    "then": [{"earn": {"points": "1", "per": "2.00"}}],
}


@pytest_asyncio.fixture
async def desk(database: Database) -> RewardDesk:
    """A shelf with one reward, whose points come back where it is not used or its order goes."""
    returns = {"return_on": "full_refund", "grace_days": 10}
    found = RewardDesk(database, programme=programme(rewards=returns))
    await found.offer(item(returns_on_expiry=True))
    return found


async def tried(desk: RewardDesk, *documents: dict[str, Any]) -> Simulation:
    await put_in_force(desk.database, desk.rules, desk.programme, now=desk.now)
    rules = RuleSet.load(documents) if documents else desk.rules
    trial = Trial(
        rules=rules,
        programme=desk.programme,
        since=desk.now - timedelta(days=400),
        until=desk.now + timedelta(days=1),
    )
    return await simulate(desk.database, trial, processes=1)


async def issued(desk: RewardDesk, points: int = 250) -> None:
    """Ada asked for one and has it."""
    await desk.ask(await desk.member(points))
    await desk.end("sent")


async def spend_by_hand(desk: RewardDesk) -> None:
    reward = await desk.the_one()
    void = reward_events.voided(reward, by="anna", reason="x", gives_back=True, now=desk.now)
    await desk.take(void)


async def order_it(desk: RewardDesk) -> None:
    reward = await desk.the_one()
    await desk.take(paid("20.00", id="77", codes=[reward.code]))
    await desk.take(refunded("20.00", order="77"))


async def let_it_expire(desk: RewardDesk) -> None:
    desk.now += timedelta(days=40)
    async with desk.database.begin() as connection:
        await reward_ends.expire(connection, now=desk.now)
    await desk.work_off()


async def nothing(desk: RewardDesk) -> None:
    """The member has it still."""


@pytest.mark.parametrize("then", [nothing, spend_by_hand, order_it, let_it_expire])
async def test_under_the_rules_in_force_nothing_is_otherwise(desk: RewardDesk, then: Any) -> None:
    await issued(desk)
    await then(desk)
    found = await tried(desk)
    assert found.members == ()
    assert (found.rewards, found.rewards_missed) == (1, 0)
    assert found.tally.sent == found.tally.sent_actually
    assert "1 rewards were asked for again under the terms of then." in lines(found)


async def test_a_rule_on_rewards_is_heard_in_the_replay(desk: RewardDesk) -> None:
    await issued(desk)
    found = await tried(desk, *PLAIN.documents(), BONUS)
    assert found.difference == 7
    assert found.tally.fired["bonus-on-rewards"] == 1


async def test_points_that_went_into_a_reward_are_gone_for_a_rule_that_looks(
    desk: RewardDesk,
) -> None:
    await issued(desk)
    desk.now += timedelta(hours=1)
    await desk.take(paid("10.00", id="9"))
    rich = {**BONUS, "id": "rich", "on": ["order.paid"], "when": ["member.points >= 200"]}
    found = await tried(desk, *PLAIN.documents(), rich)
    assert "rich" in found.silent


async def test_who_has_not_the_points_for_it_then_does_not_get_it(desk: RewardDesk) -> None:
    await issued(desk, points=150)
    found = await tried(desk, HALF, BONUS)
    assert (found.rewards, found.rewards_missed) == (1, 1)
    assert found.simulated_points == 75
    assert any(line.endswith("1 of them could not have been had.") for line in lines(found))


async def test_a_request_that_was_refused_then_stays_so(desk: RewardDesk) -> None:
    await desk.ask(await desk.member(50))
    found = await tried(desk)
    assert (found.members, found.rewards) == ((), 0)
