"""The parts of Wix's contacts, orders, refunds and loyalty transactions that are used.

https://dev.wix.com/docs/rest/crm/members-contacts/contacts and
https://dev.wix.com/docs/rest/business-solutions/e-commerce/orders: amounts are text in objects.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
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

ZERO = Decimal(0)
PAID = frozenset({"PAID", "PARTIALLY_REFUNDED", "FULLY_REFUNDED"})


def _amount(value: Any) -> Any:
    return value.get("amount") if isinstance(value, dict) else value


def _day(value: Any) -> Any:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


Price = Annotated[Money, BeforeValidator(_amount)]
"""`{"amount": "12.00", …}`; null is zero."""


class NamePayload(VendorModel):
    first: Text = ""
    last: Text = ""


class Labels(VendorModel):
    items: Items[Text] = ()


class InfoPayload(VendorModel):
    name: Maybe[NamePayload] = None
    birthdate: Annotated[date | None, BeforeValidator(_day)] = None
    locale: Text = ""
    label_keys: Maybe[Labels] = Field(None, alias="labelKeys")


class PrimaryEmail(VendorModel):
    email: Contact = None
    subscription: Text = Field("", alias="subscriptionStatus")


class PrimaryPhone(VendorModel):
    phone: Contact = None
    e164: Contact = Field(None, alias="e164Phone")
    subscription: Text = Field("", alias="subscriptionStatus")


class ContactPayload(VendorModel):
    id: Id
    created: Instant = Field(alias="createdDate")
    updated: Instant = Field(alias="updatedDate")
    info: Maybe[InfoPayload] = None
    email: Maybe[PrimaryEmail] = Field(None, alias="primaryEmail")
    phone: Maybe[PrimaryPhone] = Field(None, alias="primaryPhone")


class Named(VendorModel):
    original: Text = ""


class Catalog(VendorModel):
    item_id: OptionalId = Field(None, alias="catalogItemId")


class Physical(VendorModel):
    sku: Text = ""


class Kind(VendorModel):
    preset: Text = ""


class TaxPayload(VendorModel):
    total: Price = Field(ZERO, alias="totalTax")


class LinePayload(VendorModel):
    """A line; `totalPriceBeforeTax` is of all its pieces, after discounts."""

    id: Id
    name: Maybe[Named] = Field(None, alias="productName")
    catalog: Maybe[Catalog] = Field(None, alias="catalogReference")
    physical: Maybe[Physical] = Field(None, alias="physicalProperties")
    kind: Maybe[Kind] = Field(None, alias="itemType")
    quantity: Annotated[int, Field(ge=0, le=1_000_000)] = 1
    price: Price = ZERO
    before_tax: Price | None = Field(None, alias="totalPriceBeforeTax")
    tax: Maybe[TaxPayload] = Field(None, alias="taxInfo")


class Buyer(VendorModel):
    contact_id: OptionalId = Field(None, alias="contactId")
    email: Contact = None


class Details(VendorModel):
    first: Text = Field("", alias="firstName")
    last: Text = Field("", alias="lastName")
    phone: Contact = None


class Place(VendorModel):
    country: Country = ""


class Billing(VendorModel):
    details: Maybe[Details] = Field(None, alias="contactDetails")
    address: Maybe[Place] = None


class Summary(VendorModel):
    shipping: Price = ZERO
    tax: Price = ZERO
    total: Price
    fees: Price = Field(ZERO, alias="totalAdditionalFees")


class Balance(VendorModel):
    refunded: Price = ZERO


class ShippingCost(VendorModel):
    before_tax: Price | None = Field(None, alias="totalPriceBeforeTax")


class Shipping(VendorModel):
    cost: Maybe[ShippingCost] = None


class Coupon(VendorModel):
    code: Text = ""


class Applied(VendorModel):
    coupon: Maybe[Coupon] = None


class Channel(VendorModel):
    type: Text = ""


class OrderPayload(VendorModel):
    id: Id
    number: Annotated[Text, BeforeValidator(lambda value: str(value or ""))] = ""
    status: Text = ""
    payment_status: Text = Field("", alias="paymentStatus")
    created: Instant = Field(alias="createdDate")
    updated: Instant = Field(alias="updatedDate")
    purchased: Instant | None = Field(None, alias="purchasedDate")
    currency: Text
    language: Text = Field("", alias="buyerLanguage")
    lines: Items[LinePayload] = Field((), alias="lineItems")
    buyer: Maybe[Buyer] = Field(None, alias="buyerInfo")
    billing: Maybe[Billing] = Field(None, alias="billingInfo")
    shipping: Maybe[Shipping] = Field(None, alias="shippingInfo")
    summary: Summary = Field(alias="priceSummary")
    balance: Maybe[Balance] = Field(None, alias="balanceSummary")
    applied: Items[Applied] = Field((), alias="appliedDiscounts")
    channel: Maybe[Channel] = Field(None, alias="channelInfo")

    @property
    def is_paid(self) -> bool:
        """Whether the money came, whatever went back of it since."""
        return self.payment_status in PAID and self.status not in ("CANCELED", "REJECTED")

    @property
    def may_have_refunds(self) -> bool:
        """Whether it is worth to ask for them."""
        refunded = self.balance.refunded if self.balance else ZERO
        return refunded > 0 or self.payment_status.endswith("REFUNDED")


class RefundedLine(VendorModel):
    line_id: OptionalId = Field(None, alias="lineItemId")
    quantity: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class RefundDetails(VendorModel):
    items: Items[RefundedLine] = ()


class RefundPart(VendorModel):
    amount: Price = ZERO
    status: Text = Field("", alias="refundStatus")


class RefundPayload(VendorModel):
    id: Id
    created: Instant = Field(alias="createdDate")
    details: Maybe[RefundDetails] = None
    parts: Items[RefundPart] = Field((), alias="transactions")


class RedeemInfo(VendorModel):
    reward_id: Text = Field("", alias="rewardId")


class TransactionPayload(VendorModel):
    id: Id
    account_id: Id = Field(alias="accountId")
    kind: Text = Field("", alias="transactionType")
    amount: Money
    created: Instant = Field(alias="createdDate")
    description: Text = ""
    redeemed: Maybe[RedeemInfo] = Field(None, alias="redeemInfo")
