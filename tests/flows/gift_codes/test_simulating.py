"""Rules on trial see gift codes as they were, and nothing of them is used again."""

from __future__ import annotations

from typing import Any

from loyalty.events import Event, EventType, GiftCodeUse
from loyalty.gift_code_plans import BatchPlan
from loyalty.store import gift_code_batches
from loyalty.store.database import Database
from loyalty.store.gift_code_batches import NewCode
from tests.flows.simulation.house import DAY, PER_EURO, House, event, paid, person

BONUS: dict[str, Any] = {
    "id": "fair-bonus",
    "on": ["gift_code.redeemed"],
    "when": ['gift_code.batch == "Fair"', "gift_code.points == 50"],
    "then": [{"award": {"points": "7", "flat": True}}],
}


def typed(code: str, days: int) -> Event:
    """Ann types a code in."""
    data = {"id": code, "code": code, "customer": person("ann")}
    return event(
        EventType.GIFT_CODE_REDEEMED, code, GiftCodeUse.model_validate(data), who="ann", days=days
    )


async def test_a_trial_gives_what_codes_gave_and_what_other_rules_would_add(
    database: Database,
) -> None:
    house = await House(database).open()
    async with database.begin() as connection:
        plan = BatchPlan(name="Fair")
        batch = await gift_code_batches.create(connection, plan, origin="typed", by="t", now=DAY)
        await gift_code_batches.add(connection, batch, [NewCode("FAIR26", "FAIR-26", 50)])
    await house.take(paid("o1", "100.00"), typed("fair 26", 1), typed("fair-26", 2), typed("no", 3))
    same = await house.simulate()
    assert (same.actual_points, same.simulated_points) == (150, 150)
    other = await house.simulate(PER_EURO, BONUS)
    assert (other.actual_points, other.simulated_points) == (150, 157)
