"""Orders, till payments, refunds: what was bought and given back."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from loyalty.events.base import MAX_LINES, Frozen, Key, Text
from loyalty.events.people import Customer
from loyalty.money import Amount, check_currency, check_scales


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
        amounts = [self.total, self.discount, self.shipping, self.tax, self.tip]
        for line in self.lines:
            amounts += (line.discount, line.unit_price if line.gross is None else line.gross)
        check_scales(amounts, code)
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
