"""Recommendations: somebody comes by a member's link, at sign-up or said afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from deployments.scenario.acts.family import Family
from deployments.scenario.happening import Happening
from deployments.scenario.parts import Name
from deployments.scenario.steps_base import Reported
from loyalty.events import Customer, Event, EventType, ReferralAttached
from loyalty.store import referrals

if TYPE_CHECKING:
    from deployments.scenario.world import World

UNKNOWN = "unknown"
"""A code that nobody has."""


class Attach(Reported):
    """Somebody says afterwards that they came by a member's link."""

    do: Literal["referral.attach"]
    member: Name
    referred_by: Name


async def play(world: World, step: Attach, at: datetime) -> Happening:
    """Reports it as the hub's own page would."""
    data = ReferralAttached(
        code=await code_of(world, step.referred_by), customer=Customer(card=step.member)
    )
    return await world.take(
        Event(
            type=EventType.REFERRAL_ATTACHED,
            store="hub",
            key=f"{step.member}:{at.isoformat()}",
            time=at,
            subject=f"card:{step.member}",
            data=data,
        )
    )


async def code_of(world: World, name: str | None) -> str:
    """The code in a member's link; one that is nobody's where there is no such member."""
    await world.meet()
    found = world.members.ids.get(name or "")
    if found is None:
        return UNKNOWN
    async with world.database.begin() as connection:
        return await referrals.code_of(connection, found, now=world.engine.now)


async def states(connection: Any, ids: dict[str, Any]) -> dict[str, str]:
    """How far each member's recommendation is, by the file's names."""
    found = await referrals.of_friends(connection, set(ids.values()))
    return {name: found[one].state.value for name, one in ids.items() if one in found}


FAMILY = Family(steps=(Attach,), play=play)
