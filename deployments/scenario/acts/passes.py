"""Wallet passes: what a member's phone shows, and whether it rings."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from sqlalchemy import text

from deployments.scenario.acts.family import Family
from deployments.scenario.happening import Happening
from deployments.scenario.parts import Name, Points
from deployments.scenario.steps_base import Reported
from deployments.scenario.translate import units
from loyalty.events import Customer, Event, EventType
from loyalty.store import passes

if TYPE_CHECKING:
    from deployments.scenario.world import World

WALLET = "google"


class Update(Reported):
    """A member's pass is to show so many points; expects `balance_shown` and `notified`."""

    do: Literal["wallet.update"]
    member: Name
    points: Points


async def play(world: World, step: Update, at: datetime) -> Happening:
    """Shows the balance on the pass of a member, who signs up with it where nobody knew them."""
    await world.meet()
    if step.member not in world.members.ids:
        await world.take(_joins(step.member, at))
        await world.meet()
    programme = world.engine.in_force.programme
    async with world.database.begin() as connection:
        shown = await passes.show(
            connection,
            world.members.ids[step.member],
            units(step.points, programme.unit_scale),
            wallet=WALLET,
            quota=programme.wallet.google,
            now=world.engine.now,
        )
        kept = await connection.execute(_SHOWN, {"member": world.members.ids[step.member]})
        points = kept.scalar_one()
        values = {
            "balance_shown": world.observer(connection).shown(points),
            "notified": shown.notifies,
        }
    return Happening("applied", values=values)


_SHOWN = text("select points from wallet_passes where member_id = :member")


def _joins(member: str, at: datetime) -> Event:
    return Event(
        type=EventType.CUSTOMER_CREATED,
        store="wallet",
        key=member,
        time=at,
        subject=f"card:{member}",
        data=Customer(card=member),
    )


FAMILY = Family(steps=(Update,), play=play, answers=("balance_shown", "notified"))
