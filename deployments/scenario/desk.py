"""Steps that ask: pure sums, reports, simulations, and messages that somebody wants sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployments.scenario import steps
from deployments.scenario.settings import Settings, merged
from deployments.scenario.translate import terms_of
from flows.announcing import Announcement, announce
from loyalty.liability import deferred_revenue
from loyalty.money import from_minor
from loyalty.store.books import BookTerms
from loyalty.store.liability import liability_at

if TYPE_CHECKING:
    from deployments.scenario.world import World


def reckon(step: steps.FromMinor | steps.DeferredRevenue, settings: Settings) -> dict[str, Any]:
    """The answer of a step that needs no database."""
    if isinstance(step, steps.FromMinor):
        return {"major": str(from_minor(step.minor, step.currency, provider=step.provider))}
    split = deferred_revenue(
        step.order_total,
        step.points,
        value_per_point=step.value_per_point,
        expected_redemption=step.expected_redemption,
        currency=step.currency or settings.currency,
    )
    return {"deferred": str(split.deferred), "recognised": str(split.recognised)}


async def ask(world: World, step: Any) -> dict[str, Any]:
    """The answer of a step that needs the database."""
    if isinstance(step, steps.LiabilityReport):
        return await _liability(world, step)
    if isinstance(step, steps.MessageRequest):
        await request(world, step)
        return {}
    return await simulate(world, step)


async def _liability(world: World, step: steps.LiabilityReport) -> dict[str, Any]:
    programme = world.engine.in_force.programme
    at = step.as_of or world.engine.now
    async with world.window.open() as connection:
        terms = BookTerms.of(programme, world.engine.expiry_since)
        found = await liability_at(connection, programme, terms, at=at)
        observer = world.observer(connection)
    return {
        "outstanding": observer.shown(found.outstanding),
        "pending": observer.shown(found.pending),
        "gross": str(found.gross),
        "expected": str(found.expected),
    }


async def request(world: World, step: steps.MessageRequest) -> None:
    """Announces a message that somebody asks for, as everybody announces theirs."""
    await world.meet()
    async with world.database.begin() as connection:
        known = world.members.ids.get(step.member)
        member = (await world.observer(connection).rows())[known] if known else None
        if member is None:
            raise ValueError(f"there is no member {step.member}")
        announcement = Announcement(
            key=step.key or f"{step.template}:{world.engine.now.isoformat()}",
            template=step.template,
            channel=step.channel,
            purpose=step.message_class,
            member=member,
            valid_until=step.valid_until,
        )
        await announce(connection, [announcement], terms=world.engine.terms())


async def simulate(world: World, step: steps.Simulate) -> dict[str, Any]:
    """Plays the stored events of a period under other settings; nothing is posted."""
    from flows.simulation import Trial
    from flows.simulation import simulate as replay

    tried = terms_of(Settings.model_validate(merged(world.raw, step.set)))
    trial = Trial(rules=tried.rules, programme=tried.programme, since=step.begin, until=step.end)
    found = await replay(world.database, trial, processes=1)
    async with world.database.begin() as connection:
        shown = world.observer(connection).shown
    return {
        "actual_points": shown(found.actual.points),
        "simulated_points": shown(found.simulated.points),
        "difference": shown(found.simulated.points - found.actual.points),
    }
