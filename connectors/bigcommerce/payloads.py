"""The parts of BigCommerce's orders, lines, refunds and customers that are used.

https://developer.bigcommerce.com/docs/rest-management/orders: amounts of version 2 are text with
four decimals, its times RFC 2822; those of version 3 are numbers and ISO 8601.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from connectors.kit.payload import (
    Contact,
    Country,
    Id,
    Instant,
    Items,
    Maybe,
    Money,
    OptionalId,
    Text,
    VendorModel,
)


def moment(value: Any) -> Any:
    """RFC 2822 as a time; what is none stays as it is, for ISO 8601."""
    try:
        return parsedate_to_datetime(value) if isinstance(value, str) and "," in value else value
    except (TypeError, ValueError):
        return value


When = Annotated[Instant, BeforeValidator(moment)]
Quantity = Annotated[int, Field(ge=0, le=1_000_000)]
ZERO = Decimal(0)


class AddressPayload(VendorModel):
    first_name: Text = ""
    last_name: Text = ""
    email: Contact = None
    phone: Contact = None
    country_iso2: Country = ""


class CustomerPayload(VendorModel):
    id: Id
    email: Contact = None
    phone: Contact = None
    first_name: Text = ""
    last_name: Text = ""
    date_created: When
    date_modified: When


class DiscountPayload(VendorModel):
    amount: Money = ZERO


class LinePayload(VendorModel):
    """A line; its totals are before discounts, which stand beside them."""

    id: Id
    product_id: OptionalId = None
    name: Text = ""
    sku: Text = ""
    type: Text = ""
    quantity: Quantity
    price_ex_tax: Money = ZERO
    total_ex_tax: Money = ZERO
    total_tax: Money = ZERO
    applied_discounts: Items[DiscountPayload] = ()


class OrderPayload(VendorModel):
    id: Id
    status_id: int
    payment_status: Text = ""
    payment_method: Text = ""
    customer_id: OptionalId = None
    billing_address: Maybe[AddressPayload] = None
    default_currency_code: Text = ""
    currency_code: Text = ""
    date_created: When
    date_modified: When
    total_inc_tax: Money
    total_ex_tax: Money = ZERO
    total_tax: Money = ZERO
    subtotal_ex_tax: Money = ZERO
    shipping_cost_ex_tax: Money = ZERO
    handling_cost_ex_tax: Money = ZERO
    wrapping_cost_ex_tax: Money = ZERO
    coupon_discount: Money = ZERO
    refunded_amount: Money = ZERO
    store_credit_amount: Money = ZERO
    gift_certificate_amount: Money = ZERO
    order_source: Text = ""
    customer_locale: Text = ""

    @property
    def currency(self) -> str:
        """The one the shopper pays in."""
        return self.default_currency_code or self.currency_code

    @property
    def is_off(self) -> bool:
        """Cancelled or declined."""
        return self.status_id in (5, 6)

    @property
    def is_paid(self) -> bool:
        """Whether the money is there: payments taken elsewhere (cash, transfer) have no status,
        so that the order's own counts, from the awaiting of its fulfilment on."""
        if self.status_id in (0, 5, 6):
            return False
        if self.payment_status:
            return self.payment_status in PAID
        return self.status_id in (2, 3, 4, 8, 9, 10, 11, 14)

    @property
    def may_have_refunds(self) -> bool:
        """Whether it is worth to ask for them."""
        return (
            self.refunded_amount > 0
            or self.status_id in (4, 14)
            or "refund" in (self.payment_status)
        )


PAID = frozenset({"captured", "paid", "partially refunded", "refunded"})


class CouponPayload(VendorModel):
    code: Text = ""


class RefundItem(VendorModel):
    item_type: Text = ""
    item_id: OptionalId = None
    quantity: Quantity | None = None
    requested_amount: Money | None = None


class RefundPayment(VendorModel):
    amount: Money = ZERO
    is_declined: bool | None = False


class RefundPayload(VendorModel):
    id: Id
    order_id: Id
    created: When
    total_amount: Money
    items: Items[RefundItem] = ()
    payments: Items[RefundPayment] = ()


class HookData(VendorModel):
    """What a webhook tells: of what kind, and which."""

    scope: Text
    producer: Text = ""


def whole(value: datetime) -> str:
    """A time in RFC 2822, as version 2 wants it."""
    return value.strftime("%a, %d %b %Y %H:%M:%S %z")
