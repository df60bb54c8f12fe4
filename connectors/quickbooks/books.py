"""From QuickBooks' customers and sales receipts to events.

https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/salesreceipt: a
voided receipt stays, with a total of zero and a note that says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

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
    read,
)
from connectors.kit.webhook import Source, Unreadable
from connectors.quickbooks.receipts import is_our_own
from loyalty.events import Cancellation, Customer, Event, EventType, Line, Order, subject_of
from loyalty.money import check_currency, rounded

SHIPPING = "SHIPPING_ITEM_ID"


class Times(VendorModel):
    created: Instant = Field(alias="CreateTime")
    updated: Instant = Field(alias="LastUpdatedTime")


class Ref(VendorModel):
    value: OptionalId = None
    name: Text = ""


class Address(VendorModel):
    text: Contact = Field(None, alias="Address")

    @property
    def first(self) -> str | None:
        """QuickBooks lets people enter several, with commas between."""
        return (self.text or "").partition(",")[0].strip() or None


class Telephone(VendorModel):
    text: Contact = Field(None, alias="FreeFormNumber")


class Place(VendorModel):
    country: Country = Field("", alias="CountryCode")


class Person(VendorModel):
    id: Id = Field(alias="Id")
    times: Times = Field(alias="MetaData")
    given: Text = Field("", alias="GivenName")
    family: Text = Field("", alias="FamilyName")
    email: Maybe[Address] = Field(None, alias="PrimaryEmailAddr")
    mobile: Maybe[Telephone] = Field(None, alias="Mobile")
    phone: Maybe[Telephone] = Field(None, alias="PrimaryPhone")
    place: Maybe[Place] = Field(None, alias="BillAddr")
    is_active: bool = Field(True, alias="Active")
    is_job: bool | None = Field(None, alias="Job")


class Detail(VendorModel):
    item: Maybe[Ref] = Field(None, alias="ItemRef")
    quantity: Decimal | None = Field(None, alias="Qty")


class ReceiptLine(VendorModel):
    id: OptionalId = Field(None, alias="Id")
    kind: Text = Field("", alias="DetailType")
    amount: Money = Field(Decimal(0), alias="Amount")
    title: Text = Field("", alias="Description")
    detail: Maybe[Detail] = Field(None, alias="SalesItemLineDetail")

    @property
    def is_shipping(self) -> bool:
        return bool(self.detail and self.detail.item and self.detail.item.value == SHIPPING)


class Tax(VendorModel):
    total: Money = Field(Decimal(0), alias="TotalTax")


class Receipt(VendorModel):
    id: Id = Field(alias="Id")
    times: Times = Field(alias="MetaData")
    number: Text = Field("", alias="DocNumber")
    note: Annotated[str | None, Field(alias="PrivateNote")] = None
    currency: Maybe[Ref] = Field(None, alias="CurrencyRef")
    customer: Maybe[Ref] = Field(None, alias="CustomerRef")
    email: Maybe[Address] = Field(None, alias="BillEmail")
    lines: Items[ReceiptLine] = Field((), alias="Line")
    tax: Maybe[Tax] = Field(None, alias="TxnTaxDetail")
    total: Money = Field(alias="TotalAmt")

    @property
    def is_void(self) -> bool:
        return not self.total and (self.note or "").lower().startswith("voided")


def customer_events(record: Any, source: Source, start: datetime) -> Iterator[Event]:
    """A customer as new, and as changed where they changed since; projects are no people.

    Args:
        start: Who was there before is no newcomer, whatever changed.
    """
    found = read(Person, record)
    if found.is_job or not found.is_active:
        return
    phone = (found.mobile and found.mobile.text) or (found.phone and found.phone.text)
    who = Customer(
        id=found.id,
        email=found.email.first if found.email else None,
        phone=phone or None,
        first_name=found.given,
        last_name=found.family,
        country=found.place.country if found.place else "",
        created_at=found.times.created,
    )
    created, updated = found.times.created, found.times.updated
    if created >= start:
        yield _event(EventType.CUSTOMER_CREATED, source, found.id, created, who, who)
    if updated > created:
        key = f"{found.id}:{updated.isoformat()}"
        yield _event(EventType.CUSTOMER_UPDATED, source, key, updated, who, who)


def receipt_events(record: Any, source: Source, currency: str, start: datetime) -> Iterator[Event]:
    """A sale as it stands: made, changed, voided. The hub's own are no news.

    Args:
        currency: Of receipts that name none.
        start: What was booked before is no new sale when a bookkeeper touches it.
    """
    found = read(Receipt, record)
    if is_our_own(found.note or ""):
        return
    who = _buyer(found)
    created, updated = found.times.created, found.times.updated
    if found.is_void:
        off = Cancellation(order_id=found.id, reason="voided", customer=who)
        yield _event(EventType.ORDER_CANCELLED, source, found.id, updated, who, off)
        return
    order = _order(found, (found.currency and found.currency.value) or currency, who)
    if created >= start:
        yield _event(EventType.ORDER_PAID, source, found.id, created, who, order)
    if updated > created:
        key = f"{found.id}:{updated.isoformat()}"
        yield _event(EventType.ORDER_EDITED, source, key, updated, who, order)


def deleted(identity: str, when: datetime, source: Source) -> Event:
    """A receipt that was taken out of the books altogether."""
    off = Cancellation(order_id=identity, reason="deleted")
    return _event(EventType.ORDER_CANCELLED, source, identity, when, None, off)


def _buyer(found: Receipt) -> Customer | None:
    identity = found.customer.value if found.customer else None
    email = found.email.first if found.email else None
    return Customer(id=identity, email=email) if identity or email else None


def _order(found: Receipt, currency: str, who: Customer | None) -> Order:
    if found.total < 0:
        raise Unreadable(f"receipt {found.id}: its total is negative ({found.total})")
    code = check_currency(currency)
    goods = [one for one in found.lines if one.kind == "SalesItemLineDetail"]
    discounts = [one.amount for one in found.lines if one.kind == "DiscountLineDetail"]
    shipping = [one.amount for one in goods if one.is_shipping]
    return Order(
        id=found.id,
        number=found.number,
        revision=found.times.updated,
        currency=code,
        total=rounded(found.total, code),
        tax=rounded(found.tax.total if found.tax else Decimal(0), code),
        discount=rounded(max(sum(discounts, Decimal(0)), Decimal(0)), code),
        shipping=rounded(sum(shipping, Decimal(0)), code),
        lines=tuple(
            _line(place, one, code) for place, one in enumerate(goods, 1) if not one.is_shipping
        ),
        channel="quickbooks",
        customer=who,
    )


def _line(place: int, line: ReceiptLine, currency: str) -> Line:
    """What is sold by weight or hour counts as one piece of its amount."""
    quantity = line.detail.quantity if line.detail and line.detail.quantity else Decimal(1)
    is_whole = quantity == quantity.to_integral_value() and 0 < quantity <= 10**6
    pieces = int(quantity) if is_whole else 1
    item = line.detail.item if line.detail else None
    return Line(
        id=line.id or str(place),
        product_id=(item.value or "") if item else "",
        title=line.title or (item.name if item else ""),
        quantity=pieces,
        unit_price=rounded(line.amount / pieces, currency),
        gross=rounded(line.amount, currency),
    )


def _event(
    kind: EventType,
    source: Source,
    key: str,
    when: datetime,
    who: Customer | None,
    data: Any,
) -> Event:
    subject = subject_of(source.store, who, key)
    return Event(type=kind, store=source.store, key=key, time=when, subject=subject, data=data)
