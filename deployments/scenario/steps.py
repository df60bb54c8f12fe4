"""The steps of a case: everything that can happen, one model for each kind."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, model_validator

from deployments.scenario.acts import FAMILY_OF
from deployments.scenario.expectations import Expectation
from deployments.scenario.parts import Moment, Name, Part, Points
from deployments.scenario.steps_base import Reported, Step
from loyalty.money import Amount


class OrderLine(Part):
    """A line of an order; `discount` is of the whole line."""

    id: Name
    price: Amount
    qty: int = Field(1, ge=0)
    discount: Amount = Decimal(0)
    tax: Amount | None = None
    gift_card: bool = False
    tags: tuple[Name, ...] = ()
    sku: str = ""


class Bought(Reported):
    """What an order says, paid or edited. `amount` is short for one ordinary line."""

    order: Name
    member: Name | None = None
    guest_email: str | None = None
    currency: str | None = None
    amount: Amount | None = None
    lines: tuple[OrderLine, ...] = ()
    order_discount: Amount | None = None
    tax: Amount | None = None
    shipping: Amount | None = None
    tip: Amount | None = None
    tenders: dict[Name, Amount] = Field(default_factory=dict)
    codes: tuple[str, ...] = ()
    rev: int | None = Field(None, description="A number that grows with every edit.")
    test: bool = False

    @model_validator(mode="after")
    def _says_what_was_bought(self) -> Bought:
        if (self.amount is None) == (not self.lines):
            raise ValueError("say either `amount` or `lines`")
        return self


class OrderPaid(Bought):
    """An order was paid."""

    do: Literal["order.paid"]


class OrderEdited(Bought):
    """An order was changed; the newest revision counts, whatever comes last."""

    do: Literal["order.edited"]


class ReturnedLine(Part):
    """Pieces of a line that came back; without `amount`, at what they cost."""

    id: Name
    qty: int = Field(1, ge=0)
    amount: Amount | None = None


class OrderRefunded(Reported):
    """Money went back: an amount, pieces of lines, the shipping, or everything (`full`)."""

    do: Literal["order.refunded"]
    order: Name
    refund: Name
    amount: Amount | None = None
    lines: tuple[ReturnedLine, ...] = ()
    shipping: Amount | None = None
    full: bool = False
    refunded_to: str | None = Field(None, description="Makes no difference to the points.")


class RefundReversed(Reported):
    """A refund was taken back: a dispute won, a refund that failed."""

    do: Literal["refund.reversed"]
    order: Name
    refund: Name


class OrderCancelled(Reported):
    """An order was called off."""

    do: Literal["order.cancelled"]
    order: Name


class Redeem(Reported):
    """Points were spent. `request` names the wish, so that it is fulfilled once."""

    do: Literal["redeem"]
    member: Name
    points: Points
    request: Name
    used_on: Name | None = Field(None, description="The order that the reward was used on.")
    offline: bool = False


class Hold(Reported):
    """Points were set aside at the checkout."""

    do: Literal["reward.hold"]
    member: Name
    points: Points
    request: Name


class HoldEnd(Reported):
    """A hold ended: the reward was used, or the basket left."""

    do: Literal["reward.capture", "reward.release"]
    request: Name
    used_on: Name | None = None


class Adjust(Reported):
    """A person of the team gave or took points."""

    do: Literal["adjust"]
    member: Name
    points: Points
    id: Name
    reason: str = ""
    by: str = ""
    expires_days: int | None = Field(None, ge=0)
    qualifying: bool = Field(False, description="Counts towards tiers.")


class Approve(Reported):
    """A second person agreed to an adjustment."""

    do: Literal["adjust.approve"]
    id: Name
    by: str


class Action(Reported):
    """A member did something that is no purchase (see `actions` in the settings)."""

    do: Literal["action"]
    action: Name
    member: Name
    ref: Name


class Person(Reported):
    """What a store says of a member."""

    member: Name
    email: str | None = None
    phone: str | None = None
    phone_region: str | None = Field(None, description="Country of a phone without prefix.")
    first_name: str = ""
    last_name: str = ""
    tz: str = ""
    locale: str = ""
    birthday: date | None = None
    consents: tuple[Literal["email", "sms"], ...] = ()
    referred_by: Name | None = None


class MemberCreated(Person):
    """Somebody signed up."""

    do: Literal["member.created"]


class MemberUpdated(Person):
    """Somebody's record changed."""

    do: Literal["member.updated"]


class MemberMerged(Reported):
    """Two accounts turned out to be one person's, or not to be."""

    do: Literal["member.merged", "member.unmerged"]
    source: Name = Field(alias="from")
    target: Name = Field(alias="into")


class MemberErased(Reported):
    """Somebody asked to be forgotten."""

    do: Literal["member.erased"]
    member: Name


class Clock(Step):
    """The hub's clock moves on, and whatever is due is done."""

    do: Literal["clock"]


class SettingsChange(Step):
    """The programme is changed: `set` is laid over the settings in force."""

    do: Literal["settings.change"]
    set: dict[str, Any]
    effective: Moment | None = Field(None, description="From when on; at once where absent.")


class FxSet(Step):
    """A rate of exchange becomes known."""

    do: Literal["fx.set"]
    currency: str
    date: date
    rate: Amount = Field(gt=0)


class MessageRequest(Step):
    """Somebody asks for a message to a member."""

    do: Literal["message.request"]
    member: Name
    channel: Literal["email", "sms", "auto"]
    template: Name
    message_class: Literal["marketing", "transactional"] = Field("marketing", alias="class")
    valid_until: Moment | None = None
    key: Name | None = None


class FromMinor(Step):
    """Reads an amount in a provider's smallest unit; expects `major`."""

    do: Literal["money.from_minor"]
    provider: Name
    currency: str
    minor: int


class LiabilityReport(Step):
    """What the outstanding points are worth, now or at an instant of the past."""

    do: Literal["report.liability"]
    as_of: Moment | None = None


class DeferredRevenue(Step):
    """How much of a sale is deferred for the points it gave."""

    do: Literal["report.deferred_revenue"]
    order_total: Amount
    points: Points
    value_per_point: Amount
    expected_redemption: Amount = Decimal(1)
    currency: str | None = None


class Simulate(Step):
    """Plays the stored events of a period under other settings; posts nothing."""

    do: Literal["simulate"]
    begin: Moment = Field(alias="from")
    end: Moment = Field(alias="to")
    set: dict[str, Any]


class Concurrent(Part):
    """Steps at the same instant, truly in parallel, each on a connection of its own."""

    at: Moment
    received: Moment | None = None
    concurrent: tuple[Any, ...] = Field(min_length=2, max_length=16)
    expect: Expectation | None = None


_OWN: tuple[type[Step], ...] = (
    OrderPaid, OrderEdited, OrderRefunded, RefundReversed, OrderCancelled, Redeem, Hold, HoldEnd,
    Adjust, Approve, Action, MemberCreated, MemberUpdated, MemberMerged, MemberErased, Clock,
    SettingsChange, FxSet, MessageRequest, FromMinor, LiabilityReport, DeferredRevenue, Simulate,
)  # fmt: skip

KINDS: dict[str, type[Step]] = {
    kind: model
    for model in (*_OWN, *FAMILY_OF)
    for kind in model.model_fields["do"].annotation.__args__  # type: ignore[union-attr]
}
"""Every kind of step by the word that follows `do`."""
