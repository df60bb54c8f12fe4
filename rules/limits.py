"""How often, and how many points, a rule may award: per whom and in which period."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from loyalty.events import Frozen
from loyalty.policies import Period
from rules.decision import AppliedLimit, Counted, LimitKind
from rules.fields import Number, Zone
from rules.windows import resolved_zone

MAX_LIMITS = 10


class Limit(Frozen):
    """At most so many points, or so many times, per member, for the rule as a whole (a budget),
    or for all rules of the programme that name such a limit."""

    points: Annotated[Number, Field(gt=0)] | None = None
    times: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    per: Counted = "member"
    every: Period = "ever"
    zone: Zone = "program"
    on_short: Literal["partial", "skip"] = "partial"

    @model_validator(mode="after")
    def _counts_one_thing(self) -> Limit:
        if (self.points is None) == (self.times is None):
            raise ValueError("a limit counts either `points` or `times`")
        return self

    @property
    def kind(self) -> LimitKind:
        """What is counted."""
        return "points" if self.points is not None else "times"

    def applied(self, rule: str, *, unit_scale: int, programme: str, member: str) -> AppliedLimit:
        """The limit with its settings resolved.

        Args:
            rule: The rule's id.
            unit_scale: Of the programme: points are given in its smallest unit.
            programme: The programme's zone.
            member: The member's zone, empty where it is not known.
        """
        owner = "programme" if self.per == "programme" else rule
        amount = self.times or int((self.points or Decimal(0)).scaleb(unit_scale))
        return AppliedLimit(
            key=f"{owner}:{self.kind}:{self.per}:{self.every}",
            kind=self.kind,
            amount=amount,
            per=self.per,
            every=self.every,
            zone=resolved_zone(self.zone, programme=programme, member=member),
            on_short=self.on_short,
        )
