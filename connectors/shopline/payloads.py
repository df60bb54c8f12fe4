"""The parts of SHOPLINE's customers, orders and refunds that are used.

Webhooks and the Admin REST API (https://developer.shopline.com/docs/webhook) tell the same
resources; amounts without `_set` are in the shop's currency.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from connectors.kit.errors import ConnectorBug
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
from connectors.shopline.customers import tags_in
from loyalty.events import Channel, ConsentState


def _tags(value: Any) -> Any:
    if value is None or isinstance(value, (str, list)):
        try:
            return tags_in(value)[:500]
        except ConnectorBug as error:
            raise ValueError(str(error)) from None
    return value


def _phone(value: Any) -> Any:
    """SHOPLINE writes 0049…, the rest of the world +49…"""
    is_long = isinstance(value, str) and value.startswith("00") and value[2:].isdigit()
    return f"+{value[2:]}" if is_long else value


def _codes(value: Any) -> Any:
    """Codes come as texts, as objects with a `code`, or as one such object."""
    parts = [value] if isinstance(value, (str, dict)) else value or ()
    if not isinstance(parts, (list, tuple)):
        return value
    found = [one.get("code") if isinstance(one, dict) else one for one in parts]
    return [one for one in found if one]


Tags = Annotated[tuple[Text, ...], BeforeValidator(_tags)]
Phone = Annotated[Contact, BeforeValidator(_phone)]
Codes = Annotated[tuple[Text, ...], BeforeValidator(_codes)]
Quantity = Annotated[int, Field(ge=0, le=1_000_000)]


class Address(VendorModel):
    country_code: Country = ""


class CustomerPayload(VendorModel):
    id: OptionalId = None
    email: Contact = None
    phone: Phone = None
    first_name: Text = ""
    last_name: Text = ""
    language: Text = ""
    tags: Tags = ()
    created_at: Instant | None = None
    updated_at: Instant | None = None
    default_address: Maybe[Address] = None
    accepts_marketing: bool | None = None
    accepts_marketing_updated_at: Text = ""
    accepts_mobile_marketing: bool | None = None
    accepts_mobile_marketing_updated_at: Text = ""


def consents_of(payload: CustomerPayload) -> dict[Channel, ConsentState]:
    """Yes is a yes; a no counts where it was said at some time, not where nobody asked."""
    stated = {
        Channel.EMAIL: (payload.accepts_marketing, payload.accepts_marketing_updated_at),
        Channel.SMS: (
            payload.accepts_mobile_marketing,
            payload.accepts_mobile_marketing_updated_at,
        ),
    }
    return {
        channel: ConsentState.GRANTED if accepts else ConsentState.WITHDRAWN
        for channel, (accepts, when) in stated.items()
        if accepts or (accepts is False and when)
    }


class Priced(VendorModel):
    """A tax line."""

    price: Money = Decimal(0)


class Allocation(VendorModel):
    """A share of a discount."""

    amount: Money = Decimal(0)


class LinePayload(VendorModel):
    id: Id
    sku: Text = ""
    product_id: OptionalId = None
    title: Text = ""
    vendor: Text = ""
    quantity: Quantity
    price: Money
    discount_allocations: Items[Allocation] = ()
    tax_lines: Items[Priced] = ()


class ShippingPayload(VendorModel):
    price: Money = Decimal(0)
    tax_lines: Items[Priced] = ()


class ShopMoney(VendorModel):
    amount: Money
    currency_code: Text


class MoneySet(VendorModel):
    shop_money: Maybe[ShopMoney] = None


class RefundLinePayload(VendorModel):
    line_item_id: Id
    quantity: Quantity
    subtotal: Money = Decimal(0)
    total_tax: Money = Decimal(0)
    subtotal_set: Maybe[MoneySet] = None


class TransactionPayload(VendorModel):
    kind: Text = ""
    status: Text = ""
    amount: Money = Decimal(0)
    currency: Text = ""


class AdjustmentPayload(VendorModel):
    """Shipping given back, or a difference agreed by hand; the sign is not documented."""

    kind: Text = ""
    amount: Money = Decimal(0)
    tax_amount: Money = Decimal(0)
    amount_set: Maybe[MoneySet] = None


class RefundPayload(VendorModel):
    id: Id
    order_id: OptionalId = None
    created_at: Instant | None = None
    processed_at: Instant | None = None
    refund_line_items: Items[RefundLinePayload] = ()
    transactions: Items[TransactionPayload] = ()
    order_adjustments: Items[AdjustmentPayload] = ()


class OrderPayload(VendorModel):
    id: Id
    name: Text = ""
    currency: Text
    financial_status: Text = ""
    cancelled_at: Instant | None = None
    cancel_reason: Text = ""
    created_at: Instant | None = None
    processed_at: Instant | None = None
    updated_at: Instant | None = None
    total_price: Money | None = None
    current_total_price: Money | None = None
    subtotal_price: Money | None = None
    current_subtotal_price: Money | None = None
    total_discounts: Money = Decimal(0)
    total_tax: Money = Decimal(0)
    total_tip_received: Money = Decimal(0)
    total_shipping_price: Money = Decimal(0)
    deduct_member_point_amount: Money = Decimal(0)
    taxes_included: bool | None = False
    order_source: Text = ""
    test: bool | None = False
    email: Contact = None
    phone: Phone = None
    customer_locale: Text = ""
    customer: Maybe[CustomerPayload] = None
    line_items: Items[LinePayload]
    shipping_lines: Items[ShippingPayload] = ()
    discount_codes: Codes = ()
    refunds: Items[Any] = ()


class RedactedCustomer(VendorModel):
    id: OptionalId = None
    email: Contact = None
    phone: Phone = None


class RedactPayload(VendorModel):
    """customers/redact and merchants/redact, apart by what they name."""

    customer: Maybe[RedactedCustomer] = None
    orders_to_redact: Items[Any] | None = None
    store_domain: Text = ""
