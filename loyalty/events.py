"""Canonical events: what happened, in the programme's words, whoever reported it.

The envelope follows CloudEvents 1.0 (id, source, type, time, subject, data). The identity of
an event is its business key (store, kind, order or refund id), so that a webhook, its
redelivery, a poll and a CSV row of the same fact are one event.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from loyalty.money import Amount, check_currency, check_scale

Key = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=500)]

MAX_LINES = 10_000


class Frozen(BaseModel):
    """Crosses a boundary: immutable, and an unknown field is an error, not a surprise."""

    model_config = ConfigDict(frozen=True, extra="forbid")


M = TypeVar("M", bound=Frozen)


def made(model: type[M], **fields: Any) -> M:
    """An instance of what was just worked out, every field given, without validating it again:
    that would cost more than deciding did (pydantic's `model_construct` costs even more)."""
    found = model.__new__(model)
    settle = object.__setattr__
    settle(found, "__dict__", fields)
    settle(found, "__pydantic_fields_set__", _all_fields(model))
    settle(found, "__pydantic_extra__", None)
    settle(found, "__pydantic_private__", None)
    return found


@cache
def _all_fields(model: type[Frozen]) -> set[str]:
    return set(model.model_fields)


class EventType(StrEnum):
    """Every kind of event the hub knows."""

    CUSTOMER_CREATED = "customer.created"
    CUSTOMER_UPDATED = "customer.updated"
    CUSTOMER_OPTED_IN = "customer.opted_in"
    ORDER_PAID = "order.paid"
    ORDER_EDITED = "order.edited"
    ORDER_CANCELLED = "order.cancelled"
    ORDER_REFUNDED = "order.refunded"
    PAYMENT_COMPLETED = "payment.completed"
    REFUND_REVERSED = "refund.reversed"
    REWARD_REDEEMED = "reward.redeemed"
    REWARD_HELD = "reward.held"
    REWARD_CAPTURED = "reward.captured"
    REWARD_RELEASED = "reward.released"
    POINTS_ADJUSTED = "points.adjusted"
    ADJUSTMENT_APPROVED = "adjustment.approved"
    ACTIVITY_REPORTED = "activity.reported"
    MEMBER_MERGED = "member.merged"
    MEMBER_UNMERGED = "member.unmerged"
    MEMBER_ERASED = "member.erased"
    MILESTONE_REACHED = "milestone.reached"
    TIER_CHANGED = "tier.changed"
    ANNIVERSARY_DUE = "anniversary.due"
    BIRTHDAY_DUE = "birthday.due"
    MESSAGE_DELIVERED = "message.delivered"
    MESSAGE_BOUNCED = "message.bounced"
    MESSAGE_CLICKED = "message.clicked"
    MESSAGE_UNSUBSCRIBED = "message.unsubscribed"
    SMS_RECEIVED = "sms.received"


class Channel(StrEnum):
    """How a message reaches a person."""

    EMAIL = "email"
    SMS = "sms"


class ConsentState(StrEnum):
    """What a person last said about one channel."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


class Customer(Frozen):
    """A person as a store knows them. Any of id, e-mail and phone may be missing."""

    id: Key | None = Field(None, description="The store's own id of the customer.")
    card: Key | None = Field(
        None, description="The number on the member's card: the same person in every store."
    )
    email: Text | None = None
    phone: Text | None = Field(None, description="E.164 where the store gives it so.")
    first_name: Text = ""
    last_name: Text = ""
    locale: str = Field("", max_length=35, description="BCP 47.")
    zone: str = Field("", max_length=64, description="IANA time zone of the person.")
    country: str = Field("", max_length=2, description="ISO 3166-1 alpha-2.")
    birthday: date | None = None
    created_at: AwareDatetime | None = Field(None, description="When the store first knew them.")
    tags: tuple[Text, ...] = ()
    consents: dict[Channel, ConsentState] = Field(
        default_factory=dict, description="Only what the store states explicitly."
    )

    @property
    def is_anonymous(self) -> bool:
        """Whether nothing says who this is."""
        return not (self.id or self.card or self.email or self.phone)


class Line(Frozen):
    """One line of an order. `discount` and `tax` are of the whole line."""

    id: Key
    sku: Text = ""
    product_id: Text = ""
    title: Text = ""
    quantity: int = Field(ge=0, le=1_000_000)
    unit_price: Amount
    gross: Amount | None = Field(
        None, description="Of the whole line, where it is not unit price times quantity exactly."
    )
    discount: Amount = Decimal(0)
    tax: Amount = Decimal(0)
    is_gift_card: bool = False
    tags: tuple[Text, ...] = Field((), description="Of the product: its tags, categories, vendor.")

    @property
    def net(self) -> Decimal:
        """What the whole line costs, less the line's own discount."""
        gross = self.unit_price * self.quantity if self.gross is None else self.gross
        return gross - self.discount


class Tender(Frozen):
    """How (a part of) an order was paid."""

    kind: Literal["card", "cash", "gift_card", "store_credit", "other"]
    amount: Amount


class Order(Frozen):
    """A paid order as the store reports it, at one revision."""

    id: Key
    number: Text = ""
    revision: AwareDatetime | None = Field(None, description="The store's last-updated instant.")
    currency: str
    total: Amount = Field(ge=0, description="What the customer pays, tax and shipping included.")
    lines: Annotated[tuple[Line, ...], Field(max_length=MAX_LINES)] = ()
    discount: Amount = Field(
        Decimal(0), ge=0, description="Order discount not yet allocated to the lines."
    )
    shipping: Amount = Decimal(0)
    tax: Amount = Decimal(0)
    tip: Amount = Decimal(0)
    tenders: tuple[Tender, ...] = ()
    codes: tuple[Text, ...] = Field((), description="Discount codes used.")
    channel: Text = Field("", description="web, pos, … as the store names it.")
    is_test: bool = Field(False, description="A trial of the shop's own: it never counts.")
    customer: Customer | None = None

    @model_validator(mode="after")
    def _money_fits_the_currency(self) -> Order:
        code = check_currency(self.currency)
        if code != self.currency:
            object.__setattr__(self, "currency", code)
        for amount in (self.total, self.discount, self.shipping, self.tax, self.tip):
            check_scale(amount, code)
        for line in self.lines:
            check_scale(line.discount, code)
            check_scale(line.unit_price if line.gross is None else line.gross, code)
        return self


class RefundLine(Frozen):
    """A line given back: how many pieces and what was refunded for them, tax left out."""

    line_id: Key
    quantity: int = Field(ge=0, le=1_000_000)
    amount: Amount = Field(ge=0)


class Refund(Frozen):
    """Money given back on an order. `full` refunds everything that is left."""

    id: Key
    order_id: Key
    currency: str
    amount: Amount = Field(Decimal(0), ge=0)
    lines: tuple[RefundLine, ...] = ()
    shipping: Amount = Field(
        Decimal(0), ge=0, description="Of the amount, what was given back for shipping."
    )
    full: bool = False
    customer: Customer | None = None


class RefundReversal(Frozen):
    """A refund that was taken back: a dispute won, a refund that failed."""

    refund_id: Key
    order_id: Key
    customer: Customer | None = None


class Cancellation(Frozen):
    """An order called off: worth nothing from now on."""

    order_id: Key
    reason: Text = ""
    customer: Customer | None = None


class Payment(Frozen):
    """A payment at a till that carries no line items (Square payment.updated)."""

    id: Key
    order_id: Key | None = None
    currency: str
    amount: Amount = Field(ge=0)
    tip: Amount = Decimal(0)
    customer: Customer | None = None


Points = Annotated[int, Field(gt=0, le=1_000_000_000)]
"""A number of points in the programme's smallest unit (see `Programme.unit_scale`)."""


class Redemption(Frozen):
    """Points spent on a reward. `id` names the request, so that it is spent once."""

    id: Key
    points: Points
    reward: Text = ""
    used_on: Key | None = Field(None, description="The id of the order the reward was used on.")
    is_offline: bool = Field(False, description="Taken by a till without a line to the hub.")
    customer: Customer | None = None


class Hold(Frozen):
    """Points set aside while somebody is at the checkout. `id` names the hold."""

    id: Key
    points: Points
    reward: Text = ""
    customer: Customer | None = None


class HoldEnd(Frozen):
    """A hold was captured (the reward was used) or released (the basket was left)."""

    hold_id: Key
    used_on: Key | None = Field(None, description="For a capture: the order it was used on.")
    customer: Customer | None = None


class Adjustment(Frozen):
    """Points given or taken by a person of the team."""

    id: Key
    points: int = Field(ge=-1_000_000_000, le=1_000_000_000)
    reason: Text = ""
    by: Text = Field("", description="Who of the team asks for it.")
    expires_days: int | None = Field(None, ge=0, le=36_500)
    is_qualifying: bool = Field(False, description="Whether it counts towards tiers.")
    customer: Customer | None = None


class AdjustmentApproval(Frozen):
    """A second person agrees to an adjustment that needs it."""

    adjustment_id: Key
    by: Text


class Activity(Frozen):
    """Something a member did that is no purchase: a review, a visit, a share."""

    name: Key
    ref: Key = Field(description="What makes it one: the product reviewed, the day of the visit.")
    customer: Customer | None = None


class MemberMerge(Frozen):
    """Two accounts are one person's (or, unmerged, are not): `source` goes into `target`."""

    source: Customer
    target: Customer


class Erasure(Frozen):
    """A person asks to be forgotten (GDPR art. 17)."""

    customer: Customer


class Milestone(Frozen):
    """A member's counter crossed a mark of the programme."""

    member_id: Key
    milestone: Key
    mark: int = Field(description="The value that was crossed, e.g. 500.")


class TierChange(Frozen):
    """A member moved between tiers."""

    member_id: Key
    before: Text
    after: Text


class Occasion(Frozen):
    """A member's yearly day: joining anniversary or birthday."""

    member_id: Key
    year: int = Field(description="The local calendar year of the occasion.")
    years: int = Field(description="How many years since the first day.")


class MessageReport(Frozen):
    """What a vendor says became of a message."""

    channel: Channel
    address: Text
    vendor_message_id: Text = ""
    detail: Text = ""
    permanent: bool = False


class InboundMessage(Frozen):
    """A text that a person sent to us."""

    id: Key
    channel: Channel
    sender: Text
    recipient: Text = ""
    body: Annotated[str, Field(max_length=2000)]


Data = (
    Customer | Order | Refund | Cancellation | Payment | Redemption
    | RefundReversal | Hold | HoldEnd | Adjustment | AdjustmentApproval | Activity
    | MemberMerge | Erasure
    | Milestone | TierChange | Occasion | MessageReport | InboundMessage
)  # fmt: skip

DATA_MODELS: dict[EventType, type[Frozen]] = {
    EventType.CUSTOMER_CREATED: Customer,
    EventType.CUSTOMER_UPDATED: Customer,
    EventType.CUSTOMER_OPTED_IN: Customer,
    EventType.ORDER_PAID: Order,
    EventType.ORDER_EDITED: Order,
    EventType.ORDER_CANCELLED: Cancellation,
    EventType.ORDER_REFUNDED: Refund,
    EventType.PAYMENT_COMPLETED: Payment,
    EventType.REFUND_REVERSED: RefundReversal,
    EventType.REWARD_REDEEMED: Redemption,
    EventType.REWARD_HELD: Hold,
    EventType.REWARD_CAPTURED: HoldEnd,
    EventType.REWARD_RELEASED: HoldEnd,
    EventType.POINTS_ADJUSTED: Adjustment,
    EventType.ADJUSTMENT_APPROVED: AdjustmentApproval,
    EventType.ACTIVITY_REPORTED: Activity,
    EventType.MEMBER_MERGED: MemberMerge,
    EventType.MEMBER_UNMERGED: MemberMerge,
    EventType.MEMBER_ERASED: Erasure,
    EventType.MILESTONE_REACHED: Milestone,
    EventType.TIER_CHANGED: TierChange,
    EventType.ANNIVERSARY_DUE: Occasion,
    EventType.BIRTHDAY_DUE: Occasion,
    EventType.MESSAGE_DELIVERED: MessageReport,
    EventType.MESSAGE_BOUNCED: MessageReport,
    EventType.MESSAGE_CLICKED: MessageReport,
    EventType.MESSAGE_UNSUBSCRIBED: MessageReport,
    EventType.SMS_RECEIVED: InboundMessage,
}

TRIGGERS: dict[str, tuple[EventType, ...]] = {
    "orders": (EventType.ORDER_PAID, EventType.ORDER_EDITED, EventType.PAYMENT_COMPLETED),
    "refunds": (
        EventType.ORDER_REFUNDED,
        EventType.ORDER_CANCELLED,
        EventType.REFUND_REVERSED,
    ),
    "sign-ups": (
        EventType.CUSTOMER_CREATED,
        EventType.CUSTOMER_UPDATED,
        EventType.CUSTOMER_OPTED_IN,
    ),
    "milestones": (
        EventType.MILESTONE_REACHED,
        EventType.TIER_CHANGED,
        EventType.ANNIVERSARY_DUE,
        EventType.BIRTHDAY_DUE,
    ),
    "redemptions": (
        EventType.REWARD_REDEEMED,
        EventType.REWARD_HELD,
        EventType.REWARD_CAPTURED,
        EventType.REWARD_RELEASED,
        EventType.POINTS_ADJUSTED,
        EventType.ADJUSTMENT_APPROVED,
    ),
    "members": (
        EventType.ACTIVITY_REPORTED,
        EventType.MEMBER_MERGED,
        EventType.MEMBER_UNMERGED,
        EventType.MEMBER_ERASED,
    ),
    "feedback": (
        EventType.MESSAGE_DELIVERED,
        EventType.MESSAGE_BOUNCED,
        EventType.MESSAGE_CLICKED,
        EventType.MESSAGE_UNSUBSCRIBED,
        EventType.SMS_RECEIVED,
    ),
}
"""Which deployment works off which events; every event type belongs to exactly one."""

TRIGGER_OF: dict[EventType, str] = {
    event_type: trigger for trigger, types in TRIGGERS.items() for event_type in types
}


class Event(Frozen):
    """One business fact in the CloudEvents envelope.

    `store` names whose ids `key` uses (`shopify/main`); `(store, type, key)` is the identity.
    `time` is business time, when it happened; when the hub heard of it is the inbox's matter.
    """

    type: EventType
    store: Key
    key: Key = Field(
        description="The order, refund, customer … id, with revision where it has one."
    )
    time: AwareDatetime
    subject: Key = Field(description="Whom it concerns; events of one subject keep their order.")
    data: Any = Field(description="The data model of the type (DATA_MODELS).")

    @model_validator(mode="before")
    @classmethod
    def _data_is_of_the_type(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("data"), dict):
            model = DATA_MODELS[EventType(value["type"])]
            value = {**value, "data": model.model_validate(value["data"])}
        return value

    @model_validator(mode="after")
    def _data_fits_the_type(self) -> Event:
        expected = DATA_MODELS[self.type]
        if not isinstance(self.data, expected):
            raise ValueError(f"{self.type} carries {expected.__name__}, not {type(self.data)}")
        return self

    @property
    def business_key(self) -> str:
        """The unique key of the fact: the same for webhook, redelivery, poll and replay."""
        return f"{self.store}:{self.type.value}:{self.key}"

    @property
    def trigger(self) -> str:
        """The deployment that works this event off."""
        return TRIGGER_OF[self.type]

    def cloud_event(self, *, event_id: str) -> dict[str, Any]:
        """The CloudEvents 1.0 JSON form, for outgoing webhooks and artifacts."""
        return {
            "specversion": "1.0",
            "id": event_id,
            "source": f"/{self.store}",
            "type": self.type.value,
            "time": self.time.isoformat(),
            "subject": self.subject,
            "data": self.data.model_dump(mode="json"),
        }


def subject_of(store: str, customer: Customer | None, fallback: str) -> str:
    """The ordering key: the same person's events of a store share it.

    Args:
        store: Whose customer ids these are.
        customer: As reported; None for an anonymous sale.
        fallback: The order or payment id, for events that name nobody.
    """
    if customer is None or customer.is_anonymous:
        return f"{store}:{fallback}"
    if customer.id:
        return f"{store}:customer:{customer.id}"
    return f"contact:{(customer.email or customer.phone or '').strip().lower()}"
