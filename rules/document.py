"""A rule as people write and store it: on what, when, then what. Unknown keys are errors."""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from loyalty.events import Channel, EventType, Frozen
from rules.clause import StructuredClause
from rules.decision import EffectKind
from rules.language.arithmetic import written
from rules.language.functions import FUNCTIONS
from rules.language.parse import MAX_TEXT
from rules.subjects import NAMES
from rules.wording import in_words

MAX_CLAUSES = 20
MAX_ACTIONS = 20
MAX_LETS = 20
MAX_VALUES = 50
MAX_EXAMPLES = 20

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Label = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=100)]
Connection = Annotated[str, Field(pattern=r"^([a-z0-9_-]+/[a-zA-Z0-9_.-]+)?$", max_length=100)]


def _as_expression(value: object) -> object:
    """Numbers and yes or no may be written without quotes."""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float):
        value = Decimal(repr(value))
    return written(value) if isinstance(value, (int, Decimal)) else value


def _as_clause(value: object) -> object:
    if not isinstance(value, dict):
        return _as_expression(value)
    try:
        return StructuredClause.model_validate(value).text
    except ValidationError as error:
        keys = tuple(StructuredClause.model_fields)
        told = [
            f"{'.'.join(map(str, one['loc'][:1]))}: {in_words(one, keys)}".removeprefix(": ")
            for one in error.errors(include_url=False)
        ]
        raise ValueError("; ".join(told)) from None


def _as_list(value: object) -> object:
    return (value,) if isinstance(value, (str, dict)) else value


Expression = Annotated[
    str, Field(min_length=1, max_length=MAX_TEXT), BeforeValidator(_as_expression)
]
Clause = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), BeforeValidator(_as_clause)]
Clauses = Annotated[tuple[Clause, ...], Field(max_length=MAX_CLAUSES), BeforeValidator(_as_list)]
Values = Annotated[dict[Label, Expression], Field(max_length=MAX_VALUES)]


class ActionBody(Frozen):
    """What all actions share: `if`, a condition of the action's own."""

    model_config = ConfigDict(populate_by_name=True)

    condition: Expression | None = Field(
        None, alias="if", description="Left out unless this holds; sees `result`."
    )


class AwardPoints(ActionBody):
    """Points for the member, times their tier's factor, rounded down. Sees no `result`."""

    points: Expression


class EffectBody(ActionBody):
    """What actions towards the outside share: `connection` fixes one instead of the route."""

    connection: Connection = ""


class SendMessage(EffectBody):
    """A message to the member, in a text of the programme."""

    channel: Channel
    template: Word
    values: Values = Field(default_factory=dict)


class UpsertContact(EffectBody):
    """The member's record in the CRM."""

    values: Values = Field(default_factory=dict)


class AddToAudience(EffectBody):
    """The member in a mailing audience, with tags."""

    tags: Annotated[tuple[Label, ...], Field(max_length=MAX_VALUES)] = ()
    values: Values = Field(default_factory=dict)


class TrackEvent(EffectBody):
    """Something the member did, for a marketing tool."""

    name: Label
    values: Values = Field(default_factory=dict)


class PostToChat(EffectBody):
    """A message to the team."""

    template: Word
    values: Values = Field(default_factory=dict)


class AppendRow(EffectBody):
    """A row for a sheet."""

    values: Annotated[tuple[Expression, ...], Field(min_length=1, max_length=MAX_VALUES)]


class CallWebhook(EffectBody):
    """A call of somebody's own endpoint."""

    name: Label
    values: Values = Field(default_factory=dict)


class Action(Frozen):
    """One action: a mapping with the action's name as its only key."""

    award: AwardPoints | None = None
    send_message: SendMessage | None = None
    upsert_contact: UpsertContact | None = None
    add_to_audience: AddToAudience | None = None
    track_event: TrackEvent | None = None
    post_to_chat: PostToChat | None = None
    append_row: AppendRow | None = None
    call_webhook: CallWebhook | None = None

    @model_validator(mode="after")
    def _is_one_action(self) -> Action:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                "an action is one of " + ", ".join(type(self).model_fields) + ", with its settings"
            )
        return self

    @property
    def effect(self) -> tuple[EffectKind, EffectBody] | None:
        """The kind and the settings of what is done outside; None for an award."""
        for kind in EffectKind:
            body = getattr(self, kind.value)
            if body is not None:
                return kind, body
        return None


class Group(Frozen):
    """Rules that compete: of those whose conditions hold, which fire.

    `first` is by priority; `highest` and `lowest` by the points they would award. Rules without
    a name compete in the one unnamed group of their mode.
    """

    mode: Literal["all", "first", "highest", "lowest"] = "all"
    name: Annotated[str, Field(pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$", max_length=64)] = ""


class ExampleEvent(Frozen):
    """The event of an example; only the type and the data matter to most rules."""

    type: EventType
    data: dict[str, Any]
    store: str = "shop/example"
    key: str = "example"
    time: AwareDatetime | None = None


class Expectation(Frozen):
    """What must come of an example; only what is given is compared."""

    fires: bool | None = None
    points: int | None = None
    effects: tuple[EffectKind, ...] | None = None
    fails: bool = False


class Example(Frozen):
    """A case that the rule's author vouches for, run before the rule is published."""

    says: str = Field("", max_length=200, description="What the example shows, in words.")
    event: ExampleEvent
    member: dict[str, Any] = Field(default_factory=dict, description="What is known of them.")
    programme: dict[str, Any] = Field(default_factory=dict)
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


class RuleDocument(Frozen):
    """A rule. `rules/language.md` says what the expressions in it can say."""

    id: Slug
    description: str = Field("", max_length=1000)
    owner: str = Field("", max_length=200, description="Who answers for the rule.")
    on: Annotated[tuple[EventType, ...], Field(min_length=1), BeforeValidator(_as_list)]
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
    enabled: bool = True
    examples: Annotated[tuple[Example, ...], Field(max_length=MAX_EXAMPLES)] = ()

    @field_validator("on", mode="after")
    @classmethod
    def _each_once(cls, types: tuple[EventType, ...]) -> tuple[EventType, ...]:
        return tuple(dict.fromkeys(types))

    @field_validator("let", mode="after")
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
            if sum(action.award is not None for action in actions) > 1:
                raise ValueError(f"`{place}` awards twice: add the points up in one award")
        if self.starts and self.ends and self.starts >= self.ends:
            raise ValueError("`ends` is not after `starts`, so the rule is never in force")
        if self.stop and self.group.mode in {"highest", "lowest"}:
            raise ValueError(
                f"`stop` does not go with group {self.group.mode}: which rule fires is only "
                "known after all of them"
            )
        return self

    def is_in_force(self, time: AwareDatetime) -> bool:
        """Whether the instant lies in the rule's window; `ends` itself does not."""
        return not (self.starts and time < self.starts) and not (self.ends and time >= self.ends)

    def plain(self) -> dict[str, Any]:
        """The document as JSON has it, without what is left at its default."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def actions(self) -> Iterator[tuple[str, Action]]:
        """Every action with its place in the document: `then[0]`."""
        for place, actions in (("then", self.then), ("otherwise", self.otherwise)):
            for at, action in enumerate(actions):
                yield f"{place}[{at}]", action
