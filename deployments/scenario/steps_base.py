"""What all steps of a case share."""

from __future__ import annotations

from pydantic import Field

from deployments.scenario.expectations import Expectation
from deployments.scenario.parts import Moment, Name, Part


class Step(Part):
    """One step: when it happened, when the hub heard of it, and what must hold afterwards."""

    at: Moment | None = Field(None, description="Business time; needed but inside `concurrent`.")
    received: Moment | None = Field(None, description="The hub's clock; `at` where absent.")
    expect: Expectation | None = None


class Reported(Step):
    """A step that some store reports."""

    store: Name = "main"
    via: str = Field("", description="The channel: web, pos, …")
    delivery: str | None = Field(None, description="The webhook's delivery id; proves nothing.")
