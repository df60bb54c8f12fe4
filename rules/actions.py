"""What a rule can do: points, tiers, and everything towards the outside.

An action names a capability; which connection serves it is the programme's setting, unless the
action fixes one with `connection`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from loyalty.events import Frozen, Purpose
from rules.decision import EffectKind, RewardKind
from rules.fields import (
    MAX_VALUES,
    Clause,
    Connection,
    Expression,
    Label,
    Labels,
    Number,
    Values,
    Word,
)


class ActionBody(Frozen):
    """What all actions share: `if`, a condition of the action's own."""

    model_config = ConfigDict(populate_by_name=True)

    condition: Expression | None = Field(
        None, alias="if", description="Left out unless this holds; effects see `result`."
    )


class Earn(ActionBody):
    """Points by value: so many `points` per so much of what counts for points.

    The tier's factor and multipliers apply, and all earning of an event is rounded once. With
    `steps: whole` only full multiples of `per` earn. `lines` is a condition on `line`; without
    it everything that counts for points earns, shipping or tax too where the programme counts
    them.
    """

    points: Number = Field(gt=0)
    per: Number = Field(gt=0)
    steps: Literal["proportional", "whole"] = "proportional"
    lines: Clause | None = None


class AwardPoints(ActionBody):
    """A number of points: an earning like others, or `flat`: never multiplied, nor rounded
    together with others (a fraction of the smallest unit falls away)."""

    points: Expression
    flat: bool = False


class Multiply(ActionBody):
    """Multiplies what is earned with the event, on all lines or on those of a condition."""

    by: Expression
    lines: Clause | None = None


class Exclude(ActionBody):
    """Lines that earn nothing by `earn`, whichever rule it stands in."""

    lines: Clause


class Deduct(ActionBody):
    """Takes points away: a number, never multiplied. Publishing it needs approval."""

    points: Expression


class SetTier(ActionBody):
    """Puts the member into a tier of the programme, whatever their metric says."""

    tier: Label


class EffectBody(ActionBody):
    """What actions towards the outside share: `connection` fixes one instead of the route."""

    connection: Connection = ""


class SendMessage(EffectBody):
    """A message to the member, in a text of the programme.

    What a member waits for (a receipt, a code they asked for) is `transactional`; everything
    else is marketing and goes only with consent.
    """

    channel: Literal["email", "sms", "auto"] = Field(
        description="`auto` takes the first of the programme's `fallback.chain` that the gate "
        "allows, and goes on to the next where the message does not arrive."
    )
    template: Word
    purpose: Purpose = Field(
        Purpose.MARKETING, description="`marketing` needs consent, `transactional` does not."
    )
    topic: Annotated[str, Field(pattern=r"^[a-z0-9_-]*$", max_length=100)] = Field(
        "", description="Of the preference centre: who left the topic does not get it."
    )
    valid_minutes: Annotated[int, Field(ge=1, le=60 * 24 * 366)] | None = Field(
        None, description="So long after the event it is of use; later it does not go."
    )
    priority: Annotated[int, Field(ge=-100, le=100)] = Field(
        0, description="The higher wins where frequency caps leave too few places."
    )
    values: Values = Field(default_factory=dict)

    @model_validator(mode="after")
    def _leaves_the_connection_open(self) -> SendMessage:
        if self.channel == "auto" and self.connection:
            raise ValueError(
                "with `channel: auto` no connection can be fixed: each channel has its own"
            )
        return self


class UpsertContact(EffectBody):
    """The member's record in the CRM."""

    values: Values = Field(default_factory=dict)


class AddToAudience(EffectBody):
    """The member in a mailing audience, with tags."""

    tags: Labels = ()
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


class UpdateRow(EffectBody):
    """Columns of the row of a sheet whose `column` has the value `key`."""

    column: Label
    key: Expression
    values: Annotated[Values, Field(min_length=1)]


class CallWebhook(EffectBody):
    """A call of somebody's own endpoint."""

    name: Label
    values: Values = Field(default_factory=dict)


class IssueReward(EffectBody):
    """A reward for the member: a code, a voucher, credit. `value` is an amount, or a share of
    the price with `percent: true`."""

    kind: RewardKind
    name: Annotated[str, Field(max_length=100)] = ""
    value: Expression | None = None
    percent: bool = False
    product: Annotated[str, Field(max_length=200)] = ""
    code_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]*$", max_length=20)] = ""
    valid_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    values: Values = Field(default_factory=dict)

    @model_validator(mode="after")
    def _says_what_is_given(self) -> IssueReward:
        needs_value = {RewardKind.DISCOUNT, RewardKind.GIFT_CARD, RewardKind.STORE_CREDIT}
        if self.kind in needs_value and self.value is None:
            raise ValueError(f"a reward of kind {self.kind.value} needs a `value`")
        if self.kind is RewardKind.PRODUCT and not self.product:
            raise ValueError("a reward of kind product needs a `product`")
        if self.percent and self.kind is not RewardKind.DISCOUNT:
            raise ValueError("only a discount can be a percentage")
        return self


class JoinCampaign(EffectBody):
    """The member in a campaign of the hub or of a marketing tool, by its name."""

    campaign: Label
    values: Values = Field(default_factory=dict)


class CreateTicket(EffectBody):
    """A case for the service team, in a text of the programme."""

    template: Word
    queue: Annotated[str, Field(max_length=100)] = ""
    tags: Labels = ()
    values: Values = Field(default_factory=dict)


class UpdateCustomer(EffectBody):
    """The customer's record in the shop: tags to add, fields to set."""

    tags: Labels = ()
    values: Values = Field(default_factory=dict)


class EmitEvent(EffectBody):
    """An event of your own for automations to listen to."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*$", max_length=100)]
    values: Values = Field(default_factory=dict)


class Action(Frozen):
    """One action: a mapping with the action's name as its only key."""

    earn: Earn | None = None
    award: AwardPoints | None = None
    multiply: Multiply | None = None
    exclude: Exclude | None = None
    deduct: Deduct | None = None
    set_tier: SetTier | None = None
    send_message: SendMessage | None = None
    upsert_contact: UpsertContact | None = None
    add_to_audience: AddToAudience | None = None
    track_event: TrackEvent | None = None
    post_to_chat: PostToChat | None = None
    append_row: AppendRow | None = None
    update_row: UpdateRow | None = None
    call_webhook: CallWebhook | None = None
    issue_reward: IssueReward | None = None
    join_campaign: JoinCampaign | None = None
    create_ticket: CreateTicket | None = None
    update_customer: UpdateCustomer | None = None
    emit_event: EmitEvent | None = None

    @model_validator(mode="after")
    def _is_one_action(self) -> Action:
        if len(self.model_fields_set) != 1 or self.given[1] is None:
            raise ValueError(
                "an action is one of " + ", ".join(type(self).model_fields) + ", with its settings"
            )
        return self

    @property
    def given(self) -> tuple[str, ActionBody]:
        """The action's name and its settings."""
        for name in self.model_fields_set:
            body = getattr(self, name)
            if body is not None:
                return name, body
        return "", None  # type: ignore[return-value]

    @property
    def effect(self) -> tuple[EffectKind, EffectBody] | None:
        """The kind and the settings of what is done outside; None for points and tiers."""
        name, body = self.given
        return (EffectKind(name), body) if isinstance(body, EffectBody) else None


POINTS = ("earn", "award", "deduct")
"""The actions that make an award; `then` and `otherwise` have at most one of them each."""

ONCE = ("multiply", "exclude", "set_tier")
"""Actions that stand at most once in `then` and once in `otherwise`."""
