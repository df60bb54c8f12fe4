"""The examples that a rule's author vouches for, as they stand in the document."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import AwareDatetime, Field, field_validator

from loyalty.events import EventType, Frozen
from rules.actions import Earn
from rules.decision import EffectKind
from rules.fields import Number
from rules.language.arithmetic import written


class ExampleEvent(Frozen):
    """The event of an example; only the type and the data matter to most rules."""

    type: EventType
    data: dict[str, Any]
    store: str = "shop/example"
    key: str = "example"
    time: AwareDatetime | None = None


class Used(Frozen):
    """What each of the rule's limits has counted before the example happens, points in the
    programme's smallest unit."""

    points: int = Field(0, ge=0)
    times: int = Field(0, ge=0)


class Expectation(Frozen):
    """What must come of an example; only what is given is compared.

    `points` is what is granted after limits, `wanted` what it would be without limits and
    rounding.
    """

    fires: bool | None = None
    points: int | Number | None = None
    wanted: Number | None = None
    tier: str | None = None
    effects: tuple[EffectKind, ...] | None = None
    fails: bool = False


class Example(Frozen):
    """A case that the rule's author vouches for, run before the rule is published.

    The rule is tried alone; with `beside`, next to a rule that earns so much, so that a
    multiplier has something to multiply.
    """

    says: str = Field("", max_length=200, description="What the example shows, in words.")
    event: ExampleEvent
    member: dict[str, Any] = Field(default_factory=dict, description="What is known of them.")
    programme: dict[str, Any] = Field(default_factory=dict)
    beside: Earn | None = None
    used: Used = Used()
    expect: Expectation

    @field_validator("event", "member", "programme", mode="before")
    @classmethod
    def _numbers_are_exact(cls, value: object) -> object:
        return exact(value)


def exact(value: object) -> object:
    """Decimals as text, all the way down, so that a document is plain JSON without floats."""
    if isinstance(value, dict):
        return {key: exact(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [exact(one) for one in value]
    if isinstance(value, float):
        value = Decimal(repr(value))
    return written(value) if isinstance(value, Decimal) else value
