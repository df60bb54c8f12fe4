"""What mail servers and people's mail programs tell of an e-mail."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from deployments.scenario.acts.consents import bounced
from deployments.scenario.acts.family import Family
from deployments.scenario.happening import Happening
from deployments.scenario.parts import Name
from deployments.scenario.steps_base import Reported

if TYPE_CHECKING:
    from deployments.scenario.world import World


class EmailEvent(Reported):
    """Something became of an e-mail to an address."""

    do: Literal["email.event"]
    to: str
    kind: Literal["hard_bounce", "soft_bounce", "delivered", "open", "click"]
    message: Name | None = None
    user_agent: str = ""
    apple_mpp: bool = False


async def play(world: World, step: EmailEvent, at: datetime) -> Happening:
    """Does what the step says."""
    if step.kind in ("hard_bounce", "soft_bounce"):
        return await world.take(bounced(step.to, at, permanent=step.kind == "hard_bounce"))
    raise ValueError(f"nothing is made of an e-mail's {step.kind} yet")


MAILS = Family(steps=(EmailEvent,), play=play)
