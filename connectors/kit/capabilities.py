"""The canonical inputs of the capabilities, so that one connector can stand in for another.

A rule asks for a capability; the planner fills one of these; the action of whichever
connection is configured takes it. Texts are final: rendered, gated, ready to send.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from connectors.kit.action import Capability, Payload, Sent

Scalar = str | int | Decimal | bool | None
Properties = dict[Annotated[str, Field(max_length=100)], Scalar]


class SmsMessage(Payload):
    """A text message to one person."""

    to: Annotated[str, Field(pattern=r"^\+[1-9]\d{6,14}$")]
    body: Annotated[str, Field(min_length=1, max_length=1600)]


class EmailMessage(Payload):
    """An e-mail to one person. `headers` are extra ones such as List-Unsubscribe."""

    to: Annotated[str, Field(min_length=3, max_length=254)]
    to_name: str = ""
    subject: Annotated[str, Field(min_length=1, max_length=500)]
    text: Annotated[str, Field(max_length=100_000)]
    html: Annotated[str, Field(max_length=500_000)] = ""
    headers: dict[str, str] = Field(default_factory=dict)


class CrmContact(Payload):
    """A person's record in a CRM, found by e-mail, written as upsert."""

    email: Annotated[str, Field(min_length=3, max_length=254)]
    phone: str = ""
    first_name: str = ""
    last_name: str = ""
    properties: Properties = Field(default_factory=dict)


class AudienceMember(Payload):
    """A person in a mailing audience. Never re-subscribes somebody who left."""

    email: Annotated[str, Field(min_length=3, max_length=254)]
    first_name: str = ""
    last_name: str = ""
    is_subscribed: bool = Field(
        False, description="Only for somebody new: whether they have granted e-mail consent."
    )
    merge_fields: Properties = Field(default_factory=dict)
    tags: tuple[str, ...] = ()


class TrackedEvent(Payload):
    """Something a person did, for a marketing tool's event stream."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    time: AwareDatetime
    email: str = ""
    phone: str = ""
    external_id: str = ""
    value: Decimal | None = None
    properties: Properties = Field(default_factory=dict)


class ChatPost(Payload):
    """A message to the team. `channel` empty means the connection's default."""

    text: Annotated[str, Field(min_length=1, max_length=3000)]
    channel: str = ""


class SheetRow(Payload):
    """One row to append. `worksheet` empty means the connection's default."""

    values: Annotated[tuple[Scalar, ...], Field(min_length=1, max_length=50)]
    worksheet: str = ""


class WebhookCall(Payload):
    """A call to somebody's own endpoint, in the Standard Webhooks envelope."""

    type: Annotated[str, Field(min_length=1, max_length=200)]
    timestamp: AwareDatetime
    data: dict[str, Any]


# --- rewards ---------------------------------------------------------------------------------

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[Decimal, Field(gt=0, max_digits=15, decimal_places=4)]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{3,39}$")]


class Whom(Payload):
    """Whom an action concerns: at least one of the four has to be known.

    Attributes:
        customer_id: The id at this very vendor, where the hub knows one.
        external_id: The hub's own id of the member.
    """

    customer_id: Annotated[str, Field(max_length=150)] = ""
    email: Annotated[str, Field(max_length=254)] = ""
    phone: Annotated[str, Field(max_length=16)] = ""
    external_id: Annotated[str, Field(max_length=150)] = ""

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.customer_id or self.email or self.phone or self.external_id):
            raise ValueError("it names nobody: an id, an e-mail or a telephone number is needed")
        return self


class CouponIssue(Whom):
    """A discount code for one person. The hub chooses the code, so that texts can name it."""

    code: Code
    title: Annotated[str, Field(max_length=200)] = ""
    kind: Literal["percent", "amount", "free_shipping"] = "amount"
    value: Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=4)] = Field(
        Decimal(0), description="Per cent (15 is 15 %) or an amount; 0 for free shipping."
    )
    currency: Currency | None = None
    minimum: Amount | None = Field(None, description="Of the order, for the code to apply.")
    starts_at: AwareDatetime
    ends_at: AwareDatetime | None = None
    uses: Annotated[int, Field(ge=1, le=10_000)] = 1

    @model_validator(mode="after")
    def _is_worth_something(self) -> Self:
        if self.kind == "percent" and not 0 < self.value <= 100:
            raise ValueError("a percentage is above 0 and at most 100")
        if self.kind == "amount" and (self.value <= 0 or self.currency is None):
            raise ValueError("an amount is above 0 and has a currency")
        return self


class CouponEnd(Payload):
    """A code that is to be good no more. One that is not there (any more) is as good as ended."""

    code: Code
    reason: Annotated[str, Field(max_length=200)] = ""


class GiftCardIssue(Whom):
    """A gift card. `code` is the hub's choice; a vendor that makes its own says so in `Issued`."""

    code: Code
    amount: Amount
    currency: Currency
    expires_on: date | None = None
    note: Annotated[str, Field(max_length=500)] = ""


class GiftCardEnd(Payload):
    """A gift card that is to be good no more. One that is not there is as good as ended.

    Attributes:
        issued_id: The vendor's id of the card; empty where its answer was lost.
        issued_by: The key of the job that issued it.
    """

    code: Code
    issued_id: Annotated[str, Field(max_length=200)] = ""
    issued_by: Annotated[str, Field(max_length=300)] = ""
    reason: Annotated[str, Field(max_length=200)] = ""


class StoreCreditGrant(Whom):
    """Credit in a shop's own purse."""

    amount: Amount
    currency: Currency
    expires_at: AwareDatetime | None = None
    reason: Annotated[str, Field(max_length=500)] = ""


class StoreCreditEnd(Whom):
    """Credit that is to be taken back, as far as it was not spent.

    Attributes:
        issued_id: The vendor's id of the grant; empty where its answer was lost.
    """

    amount: Amount
    currency: Currency
    issued_id: Annotated[str, Field(max_length=200)] = ""
    reason: Annotated[str, Field(max_length=500)] = ""


class Issued(Sent):
    """A reward that was issued: the code as the vendor has it, and until when it is good."""

    code: str = ""
    ends_at: AwareDatetime | None = None


class PointsChange(Whom):
    """A change of a person's points in another loyalty system, which mirrors the hub's ledger."""

    points: Annotated[int, Field(ge=-1_000_000_000, le=1_000_000_000)]
    reason: Annotated[str, Field(max_length=200)] = ""
    balance: int | None = Field(
        None, description="The hub's balance after it, for vendors that take the whole number."
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.points == 0:
            raise ValueError("a change of no points is none")
        return self


class PointsHeld(Sent):
    """The balance at the vendor after a change, where it tells it."""

    balance: int | None = None


# --- people ----------------------------------------------------------------------------------

Tag = Annotated[str, Field(min_length=1, max_length=255)]


class CustomerChange(Whom):
    """Tags and fields of a customer that is there already; None in a field clears it."""

    add_tags: tuple[Tag, ...] = ()
    remove_tags: tuple[Tag, ...] = ()
    fields: Properties = Field(default_factory=dict)

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not (self.add_tags or self.remove_tags or self.fields):
            raise ValueError("it changes neither tags nor fields")
        return self


class SubscribeAct(Payload):
    """A person's own fresh act of subscribing. Without one nobody is ever (re-)subscribed.

    Attributes:
        channel: What they agreed to.
        acted_at: When they did; only the planner makes these, from the event of the act itself.
        source: Where: the form, the keyword, the till.
    """

    channel: Literal["email", "sms"]
    address: Annotated[str, Field(min_length=3, max_length=254)]
    acted_at: AwareDatetime
    source: Annotated[str, Field(min_length=1, max_length=200)]
    list: Annotated[str, Field(max_length=200)] = ""
    first_name: str = ""
    last_name: str = ""


class ListMembership(Whom):
    """In or out of a list, segment or group; it never changes a consent."""

    list: Annotated[str, Field(min_length=1, max_length=200)]
    is_member: bool = True


class JourneyEntry(Whom):
    """A person enters a journey, automation or campaign.

    Attributes:
        journey: The vendor's id or key of it.
    """

    journey: Annotated[str, Field(min_length=1, max_length=200)]
    time: AwareDatetime
    properties: Properties = Field(default_factory=dict)


class PushButton(Payload):
    """A button below a chat message that opens a page."""

    label: Annotated[str, Field(min_length=1, max_length=20)]
    url: Annotated[str, Field(pattern=r"^https?://", max_length=1000)]


class PushMessage(Payload):
    """A chat message to one person (LINE, Messenger, WhatsApp, a shared inbox of Slack).

    Attributes:
        to: The vendor's id of the person or their number.
        kind: `reply` answers within the vendor's window and needs `reply_token` where the
            vendor gives one; `template` is an approved text, good outside the window.
        place: Where the conversation is, as the vendor's connector wrote it, of vendors where
            people are answered in a channel.
    """

    to: Annotated[str, Field(min_length=1, max_length=200)]
    kind: Literal["push", "reply", "template"] = "push"
    text: Annotated[str, Field(max_length=4096)] = ""
    reply_token: Annotated[str, Field(max_length=500)] = ""
    place: Annotated[str, Field(max_length=200)] = ""
    button: PushButton | None = Field(None, description="Of a push; elsewhere it is left out.")
    template: Annotated[str, Field(max_length=512)] = ""
    language: Annotated[str, Field(max_length=35)] = ""
    parameters: tuple[Annotated[str, Field(max_length=1024)], ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.kind == "template" and not self.template:
            raise ValueError("a template message names its template")
        if self.kind != "template" and not self.text:
            raise ValueError("a message has a text")
        return self


# --- records ---------------------------------------------------------------------------------


class TicketOpen(Payload):
    """A ticket for the team, about a person."""

    subject: Annotated[str, Field(min_length=1, max_length=200)]
    body: Annotated[str, Field(min_length=1, max_length=10_000)]
    email: Annotated[str, Field(max_length=254)] = ""
    name: Annotated[str, Field(max_length=200)] = ""
    priority: Literal["low", "normal", "high", "urgent"] = "normal"
    tags: tuple[Tag, ...] = ()
    fields: Properties = Field(default_factory=dict)


class RowUpsert(Payload):
    """A row found by its key and written, or made where there is none.

    Attributes:
        table: Worksheet, table or data extension; empty means the connection's default.
        key_column: The column that holds `key`.
        values: The other columns by name.
    """

    key_column: Annotated[str, Field(min_length=1, max_length=200)]
    key: Annotated[str, Field(min_length=1, max_length=500)]
    values: Properties
    table: Annotated[str, Field(max_length=200)] = ""


class ReceiptLine(Payload):
    """One line of a sale, net of tax; `amount` is of the whole line."""

    title: Annotated[str, Field(max_length=500)]
    quantity: Annotated[int, Field(ge=1)] = 1
    amount: Annotated[Decimal, Field(ge=0)]
    sku: Annotated[str, Field(max_length=200)] = ""


class SalesReceipt(Whom):
    """A sale for the accounts. `number` names the order and makes it one."""

    number: Annotated[str, Field(min_length=1, max_length=100)]
    time: AwareDatetime
    currency: Currency
    lines: Annotated[tuple[ReceiptLine, ...], Field(min_length=1, max_length=1000)]
    tax: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    shipping: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    discount: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    total: Annotated[Decimal, Field(ge=0)]
    name: Annotated[str, Field(max_length=200)] = ""


INPUT_OF: dict[Capability, type[Payload]] = {
    Capability.SMS: SmsMessage,
    Capability.EMAIL: EmailMessage,
    Capability.CRM: CrmContact,
    Capability.AUDIENCE: AudienceMember,
    Capability.TRACK: TrackedEvent,
    Capability.CHAT: ChatPost,
    Capability.SHEET: SheetRow,
    Capability.WEBHOOK: WebhookCall,
    Capability.COUPON: CouponIssue,
    Capability.COUPON_END: CouponEnd,
    Capability.GIFT_CARD: GiftCardIssue,
    Capability.GIFT_CARD_END: GiftCardEnd,
    Capability.STORE_CREDIT: StoreCreditGrant,
    Capability.STORE_CREDIT_END: StoreCreditEnd,
    Capability.POINTS: PointsChange,
    Capability.CUSTOMER: CustomerChange,
    Capability.TICKET: TicketOpen,
    Capability.PUSH: PushMessage,
    Capability.ROW: RowUpsert,
    Capability.JOURNEY: JourneyEntry,
    Capability.SUBSCRIBE: SubscribeAct,
    Capability.LIST: ListMembership,
    Capability.RECEIPT: SalesReceipt,
}

REACHES_A_PERSON = frozenset({Capability.SMS, Capability.EMAIL, Capability.PUSH})
"""What the message gate must have agreed to: actions for these are `gated`."""
