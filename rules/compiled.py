"""A rule made ready to run for one kind of event: every expression checked and compiled."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from loyalty.events import EventType
from rules.actions import EffectBody
from rules.decision import Effect
from rules.document import RuleDocument
from rules.language import Expression
from rules.language.tree import Environment, Run


@dataclass(frozen=True, slots=True)
class LineFilter:
    """A condition on one line, and the slot that the line is put into."""

    condition: Expression
    slot: int


@dataclass(frozen=True, slots=True)
class CompiledEarn:
    """Points by value. `rate` is points through per where that is a finite decimal."""

    condition: Expression | None
    points: Decimal
    per: Decimal
    rate: Decimal | None
    is_whole: bool
    lines: LineFilter | None


@dataclass(frozen=True, slots=True)
class CompiledAward:
    """A number of points. `fixed` is the number where it is the same for every event.

    `sign` is -1 for a deduction.
    """

    condition: Expression | None
    points: Expression
    fixed: Decimal | None
    is_flat: bool
    sign: int


@dataclass(frozen=True, slots=True)
class CompiledMultiply:
    """A factor on what is earned, on all lines or on some."""

    condition: Expression | None
    by: Expression
    lines: LineFilter | None


@dataclass(frozen=True, slots=True)
class CompiledExclude:
    """Lines that earn nothing."""

    condition: Expression | None
    lines: LineFilter


@dataclass(frozen=True, slots=True)
class CompiledTier:
    """The tier that is set."""

    condition: Expression | None
    tier: str


@dataclass(frozen=True, slots=True)
class CompiledEffect:
    """An action towards the outside; `fixed` is what of its effect is the same for every event."""

    place: str
    body: EffectBody
    fixed: Effect
    condition: Expression | None
    values: tuple[tuple[str, Expression], ...]
    row: tuple[Expression, ...]
    key: Expression | None
    worth: Expression | None


@dataclass(frozen=True, slots=True)
class CompiledActions:
    """What `then` or `otherwise` does.

    Attributes:
        has_claim: Whether some of it is about points or tiers.
        is_fixed: Whether what it asks for is the same number of points every time.
    """

    earn: CompiledEarn | None = None
    award: CompiledAward | None = None
    multiply: CompiledMultiply | None = None
    exclude: CompiledExclude | None = None
    tier: CompiledTier | None = None
    effects: tuple[CompiledEffect, ...] = ()
    has_claim: bool = False
    is_fixed: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is done."""
        return not self.has_claim and not self.effects


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule ready to run for one kind of event.

    Attributes:
        runs: The conditions; `places` says where each stands in the document.
        stop_at: What decides as soon as one condition yields it: False for `all`.
        is_gated: Whether a window, an audience or a holdout has to be asked first.
        is_rival: Whether it competes with other rules, or ends the round.
        kept: Verdicts without particulars and claims of fixed numbers: always the same.
    """

    id: str
    document: RuleDocument
    event_type: EventType
    clauses: tuple[Expression, ...]
    runs: tuple[Run, ...]
    places: tuple[str, ...]
    stop_at: bool
    then: CompiledActions
    otherwise: CompiledActions
    blanks: list[Any]
    mode: str
    stop: bool
    is_gated: bool
    is_rival: bool
    has_limits: bool
    has_otherwise: bool
    kept: dict[tuple[str, str], Any] = field(default_factory=dict)

    def environment(self, base: Environment) -> Environment:
        """The values of the event with fresh slots for the rule's own."""
        return base + self.blanks if self.blanks else base
