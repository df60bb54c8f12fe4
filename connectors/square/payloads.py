"""The parts of Square's webhook bodies that are used.

Every body has the same envelope around the object
(https://developer.squareup.com/docs/webhooks/overview): `data.object.payment` and so on.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from connectors.kit.payload import (
    Contact,
    Country,
    Id,
    Instant,
    Items,
    OptionalId,
    Text,
    VendorModel,
)


def _full_date(value: Any) -> Any:
    """Square writes a birthday whose year is unknown as `0000-09-21`; ours needs a year."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


class MinorMoney(VendorModel):
    """An amount in the currency's smallest unit."""

    amount: Annotated[int, Field(ge=-(10**16), le=10**16)]
    currency: Text


class Timeline(VendorModel):
    captured_at: Instant | None = None


class CardDetails(VendorModel):
    card_payment_timeline: Timeline | None = None


class PaymentPayload(VendorModel):
    id: Id
    status: Text = ""
    amount_money: MinorMoney | None = None
    tip_money: MinorMoney | None = None
    customer_id: OptionalId = None
    buyer_email_address: Contact = None
    card_details: CardDetails | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None


class RefundPayload(VendorModel):
    """`order_id` is left out: it names the order of the refund, not that of the sale."""

    id: Id
    status: Text = ""
    payment_id: OptionalId = None
    amount_money: MinorMoney | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None


class Preferences(VendorModel):
    email_unsubscribed: bool | None = None


class Address(VendorModel):
    country: Country = ""


class CustomerPayload(VendorModel):
    id: Id
    given_name: Text = ""
    family_name: Text = ""
    email_address: Contact = None
    phone_number: Contact = None
    birthday: Annotated[date | None, BeforeValidator(_full_date)] = None
    address: Address | None = None
    preferences: Preferences | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None


class Revocation(VendorModel):
    """The seller took the application's access away."""

    revoked_at: Instant | None = None
    revoker_type: Text = ""


class OrderWord(VendorModel):
    """All that an order's webhook says: which one."""

    order_id: Id


class LoyaltyWord(VendorModel):
    """What is needed of a loyalty event to know that it is one."""

    id: Id


class ObjectOf(VendorModel):
    payment: PaymentPayload | None = None
    refund: RefundPayload | None = None
    customer: CustomerPayload | None = None
    revocation: Revocation | None = None
    order_created: OrderWord | None = None
    order_updated: OrderWord | None = None
    loyalty_event: LoyaltyWord | None = None


class DataOf(VendorModel):
    object: ObjectOf


class Notification(VendorModel):
    data: DataOf


# --- what is polled alone --------------------------------------------------------------------


class TenderPayload(VendorModel):
    """`id` is that of the payment, and so is `payment_id`, where it is given."""

    id: OptionalId = None
    payment_id: OptionalId = None
    type: Text = ""
    amount_money: MinorMoney | None = None
    customer_id: OptionalId = None


class OrderLinePayload(VendorModel):
    uid: Id
    name: Text = ""
    variation_name: Text = ""
    quantity: Annotated[str, Field(max_length=20)]
    catalog_object_id: OptionalId = None
    item_type: Text = ""
    base_price_money: MinorMoney | None = None
    total_tax_money: MinorMoney | None = None
    total_discount_money: MinorMoney | None = None
    total_service_charge_money: MinorMoney | None = None
    total_money: MinorMoney | None = None


class OrderSource(VendorModel):
    name: Text = ""


class OrderPayload(VendorModel):
    id: Id
    state: Text = ""
    customer_id: OptionalId = None
    ticket_name: Text = ""
    source: OrderSource | None = None
    line_items: Items[OrderLinePayload] = ()
    returns: Items[Any] = ()
    tenders: Items[TenderPayload] = ()
    total_money: MinorMoney | None = None
    total_tax_money: MinorMoney | None = None
    total_tip_money: MinorMoney | None = None
    total_service_charge_money: MinorMoney | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    closed_at: Instant | None = None


class LoyaltyEventPayload(VendorModel):
    id: Id
    type: Annotated[str, Field(min_length=1)]
    source: Text = ""
    loyalty_account_id: Id
    created_at: Instant


class MappingPayload(VendorModel):
    phone_number: Contact = None


class LoyaltyAccountPayload(VendorModel):
    customer_id: OptionalId = None
    mapping: MappingPayload | None = None
