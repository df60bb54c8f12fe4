"""One order, several targets: what each of them answers is scripted, what was sent is counted."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from deployments.scenario.acts.family import Family
from deployments.scenario.happening import Happening
from deployments.scenario.parts import Target
from deployments.scenario.post_office import PostOffice
from deployments.scenario.steps_base import Reported

if TYPE_CHECKING:
    from deployments.scenario.world import World


class Script(Reported):
    """How a target answers its next calls: HTTP status codes, one for each call."""

    do: Literal["target.script"]
    target: Target
    replies: Annotated[
        tuple[Annotated[int, Field(ge=200, le=599)], ...], Field(min_length=1, max_length=50)
    ]


async def play(world: World, step: Script, at: datetime) -> Happening:
    """Gives the target its script; refused where the settings name no targets."""
    if not isinstance(world.vendor, PostOffice):
        return Happening("rejected", reason="the settings have no `fanout`: nothing is sent to it")
    world.vendor.targets.scripts[step.target] = list(step.replies)
    return Happening("applied")


FAMILY = Family(steps=(Script,), play=play, answers=("deliveries", "attempts"), writes=True)
