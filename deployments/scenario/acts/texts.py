"""Steps about the texts of messages: what an SMS costs, and which language a person gets."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from deployments.scenario.acts.family import Family
from deployments.scenario.happening import Happening
from deployments.scenario.parts import Name
from deployments.scenario.steps_base import Step
from loyalty.sms import measure

if TYPE_CHECKING:
    from deployments.scenario.world import World

Times = Annotated[int, Field(ge=1, le=10_000)]


class SmsSegments(Step):
    """Asks what a text message costs; `repeat` writes each character so many times, in order."""

    do: Literal["sms.segments"]
    text: str = Field("", max_length=10_000)
    repeat: dict[str, Times] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _says_something(self) -> SmsSegments:
        if bool(self.text) == bool(self.repeat):
            raise ValueError("say either `text` or `repeat`")
        return self


class LocalePick(Step):
    """Asks in which of its languages a person gets a text (`messaging.templates`)."""

    do: Literal["locale.pick"]
    template: Name
    locale: str = ""


async def play(world: World, step: SmsSegments | LocalePick, at: datetime) -> Happening:
    """Asks the engine's own texts and measures."""
    if isinstance(step, LocalePick):
        choice = world.engine.terms().texts.choice(
            step.template,
            "email",
            step.locale,
            default=world.engine.in_force.programme.default_locale,
        )
        return Happening(values={"picked": choice.locale})
    written = step.text or "".join(one * times for one, times in step.repeat.items())
    size = measure(written)
    return Happening(values={"encoding": size.encoding, "segments": size.segments})


FAMILY = Family((SmsSegments, LocalePick), play, answers=("encoding", "segments", "picked"))
