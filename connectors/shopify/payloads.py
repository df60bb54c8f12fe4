"""The parts of Shopify's webhook bodies that are used.

Webhook bodies are the REST resources (https://shopify.dev/docs/api/admin-rest: order,
customer, refund) whatever the API version; amounts without `_set` are in the shop's currency.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from connectors.kit.payload import (
    Contact,
    Country,
    Id,
    Instant,
    Items,
    Money,
    OptionalId,
    Text,
    VendorModel,
)


def _tags(value: Any) -> Any:
    if value is None:
        return ()
    return [one for one in value.split(",") if one.strip()] if isinstance(value, str) else value


Tags = Annotated[tuple[Text, ...], BeforeValidator(_tags)]
Quantity = Annotated[int, Field(ge=0, le=1_000_000)]


class Consent(VendorModel):
    """`subscribed`, `unsubscribed`, `not_subscribed`, `pending`, …"""

    state: Text = ""
    consent_updated_at: Instant | None = None


class Address(VendorModel):
    address1: Text = ""
    zip: Text = ""
    country_code: Country = ""


class CustomerPayload(VendorModel):
    id: OptionalId = None
    email: Contact = None
    phone: Contact = None
    first_name: Text = ""
    last_name: Text = ""
    tags: Tags = ()
    created_at: Instant | None = None
    updated_at: Instant | None = None
    default_address: Address | None = None
    email_marketing_consent: Consent | None = None
    sms_marketing_consent: Consent | None = None


class ConsentPayload(VendorModel):
    """Two topics, two spellings: SMS has `id` and `phone`, e-mail has the longer names."""

    id: OptionalId = None
    customer_id: OptionalId = None
    phone: Contact = None
    email_address: Contact = None
    email_marketing_consent: Consent | None = None
    sms_marketing_consent: Consent | None = None


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
    quantity: Quantity
    price: Money
    total_discount: Money = Decimal(0)
    discount_allocations: tuple[Allocation, ...] | None = None
    tax_lines: Items[Priced] = ()
    gift_card: bool | None = False
    tip: Any = None


class ShippingPayload(VendorModel):
    price: Money = Decimal(0)
    discounted_price: Money | None = None
    tax_lines: Items[Priced] = ()
    is_removed: bool | None = False


class ShopMoney(VendorModel):
    amount: Money
    currency_code: Text


class MoneySet(VendorModel):
    shop_money: ShopMoney


class RefundLinePayload(VendorModel):
    line_item_id: Id
    quantity: Quantity
    subtotal: Money = Decimal(0)
    total_tax: Money = Decimal(0)
    subtotal_set: MoneySet | None = None
    total_tax_set: MoneySet | None = None


class TransactionPayload(VendorModel):
    kind: Text = ""
    status: Text = ""
    amount: Money = Decimal(0)
    currency: Text = ""


class AdjustmentPayload(VendorModel):
    """Shipping given back (negative) or a difference agreed by hand."""

    amount: Money = Decimal(0)
    tax_amount: Money = Decimal(0)
    amount_set: MoneySet | None = None


class RefundPayload(VendorModel):
    id: Id
    order_id: OptionalId = None
    created_at: Instant | None = None
    processed_at: Instant | None = None
    refund_line_items: Items[RefundLinePayload] = ()
    transactions: Items[TransactionPayload] = ()
    order_adjustments: Items[AdjustmentPayload] = ()


class DiscountCode(VendorModel):
    code: Text = ""


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
    total_price: Money
    current_total_price: Money | None = None
    total_outstanding: Money = Decimal(0)
    total_tax: Money = Decimal(0)
    total_tip_received: Money = Decimal(0)
    taxes_included: bool | None = False
    source_name: Text = ""
    test: bool | None = False
    email: Contact = None
    phone: Contact = None
    customer_locale: Text = ""
    browser_ip: Text = ""
    customer: CustomerPayload | None = None
    line_items: Items[LinePayload] = ()
    shipping_lines: Items[ShippingPayload] = ()
    discount_codes: Items[DiscountCode] = ()
    refunds: Items[RefundPayload] = ()


class ShopPayload(VendorModel):
    """app/uninstalled: the shop itself."""

    id: Id
    myshopify_domain: Annotated[str, Field(min_length=1)]


class PrivacyCustomer(VendorModel):
    id: Id
    email: Contact = None
    phone: Contact = None


class DataRequest(VendorModel):
    id: Id


class DataRequestPayload(VendorModel):
    """customers/data_request."""

    shop_id: Id
    customer: PrivacyCustomer
    data_request: DataRequest


class RedactPayload(VendorModel):
    """customers/redact."""

    shop_id: Id
    customer: PrivacyCustomer
    orders_to_redact: tuple[Any, ...]


class ShopRedactPayload(VendorModel):
    """shop/redact: the shop alone; with a customer it would be another topic's."""

    shop_id: Id
    shop_domain: Annotated[str, Field(min_length=1)]
    customer: None = None
    data_request: None = None
