"""A rule as people write and store it: on what, when, then what. Unknown keys are errors."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BeforeValidator,
    Field,
    field_validator,
    model_validator,
)

from loyalty.events import EventType, Frozen
from rules.actions import ONCE, POINTS, Action
from rules.audience import Audience, Holdout
from rules.expectations import Example
from rules.fields import Clauses, Expression, Slug, Word, Zone, as_list
from rules.language.functions import FUNCTIONS
from rules.limits import MAX_LIMITS, Limit
from rules.shown import Shown
from rules.subjects import NAMES
from rules.windows import Days, Hours, Window

MAX_ACTIONS = 20
MAX_LETS = 20
MAX_EXAMPLES = 20


class Group(Frozen):
    """Rules that compete: of those whose conditions hold, which fire.

    `first` is by priority; `highest` and `lowest` by the points they would award. Rules without
    a name compete in the one unnamed group of their mode.
    """

    mode: Literal["all", "first", "highest", "lowest"] = "all"
    name: Annotated[str, Field(pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$", max_length=64)] = ""


class RuleDocument(Frozen):
    """A rule. `rules/language.md` says what the expressions in it can say."""

    id: Slug
    description: str = Field("", max_length=1000)
    owner: str = Field("", max_length=200, description="Who answers for the rule.")
    on: Annotated[tuple[EventType, ...], Field(min_length=1), BeforeValidator(as_list)]
    let: Annotated[dict[Word, Expression], Field(max_length=MAX_LETS)] = Field(default_factory=dict)
    when: Clauses = ()
    match: Literal["all", "any"] = "all"
    then: Annotated[tuple[Action, ...], Field(max_length=MAX_ACTIONS)] = ()
    otherwise: Annotated[tuple[Action, ...], Field(max_length=MAX_ACTIONS)] = ()
    priority: int = Field(0, ge=-1000, le=1000, description="Higher ones are decided first.")
    group: Group = Group()
    stop: bool = Field(False, description="When it fires, rules after it are not looked at.")
    starts: AwareDatetime | None = Field(None, description="In force from this instant on.")
    ends: AwareDatetime | None = Field(None, description="In force before this instant.")
    days: Days = Field((), description="In force on these days of the week.")
    hours: Hours | None = Field(None, description="In force at these hours: 22:00-02:00.")
    zone: Zone = Field("program", description="Whose clocks `days` and `hours` are read on.")
    audience: Audience | None = None
    holdout: Holdout | None = None
    limits: Annotated[
        tuple[Limit, ...], Field(max_length=MAX_LIMITS), BeforeValidator(as_list)
    ] = ()
    enabled: bool = True
    shown: Shown | None = Field(None, description="How members are told of the rule.")
    examples: Annotated[tuple[Example, ...], Field(max_length=MAX_EXAMPLES)] = ()

    @field_validator("on")
    @classmethod
    def _each_once(cls, types: tuple[EventType, ...]) -> tuple[EventType, ...]:
        return tuple(dict.fromkeys(types))

    @field_validator("let")
    @classmethod
    def _names_are_free(cls, lets: dict[str, str]) -> dict[str, str]:
        for name in lets:
            if name in NAMES or name in FUNCTIONS or keyword.iskeyword(name):
                raise ValueError(f"`{name}` already means something: choose another name")
        return lets

    @field_validator("group", mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        return {"mode": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _makes_sense(self) -> RuleDocument:
        if not self.then and not self.otherwise:
            raise ValueError("the rule does nothing: give it actions in `then`")
        for place, actions in (("then", self.then), ("otherwise", self.otherwise)):
            _are_compatible(place, actions)
        if self.starts and self.ends and self.starts >= self.ends:
            raise ValueError("`ends` is not after `starts`, so the rule is never in force")
        if self.stop and self.group.mode in {"highest", "lowest"}:
            raise ValueError(
                f"`stop` does not go with group {self.group.mode}: which rule fires is only "
                "known after all of them"
            )
        self._limits_make_sense()
        return self

    def _limits_make_sense(self) -> None:
        if not self.limits:
            return
        names = {action.given[0] for _, action in self.actions()}
        if "multiply" in names:
            raise ValueError(
                "`limits` count what the rule itself awards, and a multiplier's points belong "
                "to the rules that earn: put the limits there, or give a bonus with `award`"
            )
        if "deduct" in names:
            raise ValueError("`limits` hold what is given, and a deduction gives nothing")
        if not names & {"earn", "award"} and any(one.kind == "points" for one in self.limits):
            raise ValueError("a limit of `points` needs `earn` or `award`; write `times` instead")
        keys = [(one.kind, one.per, one.every) for one in self.limits]
        if len(set(keys)) != len(keys):
            raise ValueError("two limits count the same: keep the smaller one")

    @cached_property
    def window(self) -> Window:
        """When the rule is in force."""
        return Window(starts=self.starts, ends=self.ends, days=self.days, hours=self.hours)

    def plain(self) -> dict[str, Any]:
        """The document as JSON has it, without what is left at its default."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def actions(self) -> Iterator[tuple[str, Action]]:
        """Every action with its place in the document: `then[0]`."""
        for place, actions in (("then", self.then), ("otherwise", self.otherwise)):
            for at, action in enumerate(actions):
                yield f"{place}[{at}]", action


def _are_compatible(place: str, actions: Sequence[Action]) -> None:
    names = [action.given[0] for action in actions]
    if names.count("award") > 1:
        raise ValueError(f"`{place}` awards twice: add the points up in one award")
    giving = [name for name in names if name in POINTS]
    if len(giving) > 1:
        told = " and ".join(f"`{name}`" for name in giving)
        raise ValueError(f"`{place}` has {told}: write a rule for each, so that each is explained")
    for name in ONCE:
        if names.count(name) > 1:
            raise ValueError(f"`{place}` has `{name}` twice: put it into one")
