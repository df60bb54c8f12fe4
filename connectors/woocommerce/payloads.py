"""The parts of WooCommerce's webhook bodies that are used.

Bodies are the REST representations of wc/v3
(https://woocommerce.github.io/woocommerce-rest-api-docs: order and customer properties).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from connectors.kit.payload import (
    Contact,
    Country,
    Id,
    Items,
    Maybe,
    Money,
    OptionalId,
    Text,
    UtcInstant,
    VendorModel,
)


class Billing(VendorModel):
    first_name: Text = ""
    last_name: Text = ""
    email: Contact = None
    phone: Contact = None
    address_1: Text = ""
    postcode: Text = ""
    country: Country = ""


class CustomerPayload(VendorModel):
    id: Id
    email: Contact = None
    first_name: Text = ""
    last_name: Text = ""
    date_created_gmt: UtcInstant | None = None
    date_modified_gmt: UtcInstant | None = None
    billing: Maybe[Billing] = None


class LinePayload(VendorModel):
    """`subtotal` is before coupons, `total` after; both exclude tax, always."""

    id: Id
    name: Text = ""
    product_id: OptionalId = None
    sku: Text = ""
    quantity: Annotated[int, Field(ge=0, le=1_000_000)]
    subtotal: Money
    total: Money
    total_tax: Money = Decimal(0)


class Charge(VendorModel):
    """A fee or a way of shipping, tax excluded. A negative fee is a discount."""

    total: Money = Decimal(0)


class Coupon(VendorModel):
    code: Text = ""


class RefundPayload(VendorModel):
    """A refund as its order lists it; `total` is negative."""

    id: Id
    total: Money


class OrderPayload(VendorModel):
    id: Id
    number: Text = ""
    status: Text
    currency: Text
    total: Money
    total_tax: Money = Decimal(0)
    created_via: Text = ""
    customer_id: OptionalId = None
    customer_ip_address: Text = ""
    billing: Maybe[Billing] = None
    date_created_gmt: UtcInstant | None = None
    date_modified_gmt: UtcInstant | None = None
    date_paid_gmt: UtcInstant | None = None
    date_completed_gmt: UtcInstant | None = None
    line_items: Items[LinePayload] = ()
    fee_lines: Items[Charge] = ()
    shipping_lines: Items[Charge] = ()
    coupon_lines: Items[Coupon] = ()
    refunds: Items[RefundPayload] = ()
