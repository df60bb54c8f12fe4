"""What the schedules do when the clock moves: the same functions, asked for this instant."""

from __future__ import annotations

from deployments.scenario.engine import Engine
from flows.coming_due import bring_on
from flows.reminders import remind
from flows.upkeep import keep_up
from flows.yearly import celebrate
from loyalty.store import calendar


async def begin(engine: Engine) -> None:
    """Says that the hub runs from now on: yearly days before are none of its business."""
    async with engine.database.begin() as connection:
        await calendar.note_seen(connection, engine.now, now=engine.now)


async def tick(engine: Engine) -> None:
    """Does whatever is due at the engine's instant."""
    await engine.work_off()
    await keep_up(engine.database, engine.terms())
    if engine.in_force.settings.anniversary or engine.in_force.settings.birthday:
        await celebrate(engine.database, engine.in_force.programme, now=engine.now)
    await engine.work_off()
    await remind(engine.database, engine.terms())
    while await _bring_on(engine):
        pass


async def _bring_on(engine: Engine) -> int:
    async with engine.database.begin() as connection:
        return await bring_on(connection, engine.terms())
