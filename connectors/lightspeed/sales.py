"""From Lightspeed's customers and sales to events.

https://x-series-api.lightspeedhq.com/docs/sales_returns: a return is a sale of its own that
names the one it takes back (`return_for`), with negative amounts; an exchange is both in one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.kit.payload import read
from connectors.kit.webhook import Source, Unreadable
from connectors.lightspeed.payloads import (
    CustomerPayload,
    LinePayload,
    PaymentPayload,
    SalePayload,
)
from loyalty.events import (
    Cancellation,
    Channel,
    ConsentState,
    Customer,
    Event,
    EventType,
    Line,
    Order,
    Refund,
    RefundReversal,
    Tender,
    subject_of,
)
from loyalty.money import check_currency, rounded

ZERO = Decimal(0)


def customer_events(record: Any, source: Source) -> Iterator[Event]:
    """A customer as new, and as changed where they changed since."""
    found = read(CustomerPayload, record)
    if found.deleted_at is not None:
        return
    customer = _customer(found)
    created = found.created_at or found.updated_at
    yield _event(EventType.CUSTOMER_CREATED, source, found.id, created, customer, customer)
    if found.updated_at > created:
        key = f"{found.id}:{found.updated_at.isoformat()}"
        yield _event(EventType.CUSTOMER_UPDATED, source, key, found.updated_at, customer, customer)


def _customer(found: CustomerPayload) -> Customer:
    consents: dict[Channel, ConsentState] = {}
    # Everybody may be mailed until they object, so only the objection says what somebody wants.
    if found.do_not_email:
        consents[Channel.EMAIL] = ConsentState.WITHDRAWN
    if found.enable_promotional_sms:
        consents[Channel.SMS] = ConsentState.GRANTED
    return Customer(
        id=found.id,
        email=found.email,
        phone=found.mobile or found.phone,
        first_name=found.first_name,
        last_name=found.last_name,
        birthday=found.date_of_birth,
        country=found.physical_country_id,
        created_at=found.created_at,
        consents=consents,
    )


def sale_events(record: Any, source: Source, currency: str) -> Iterator[Event]:
    """What a sale tells at its present state: sold, changed, given back, called off.

    Raises:
        Unreadable: Among others, it takes goods back and names no sale they came from.
    """
    found = read(SalePayload, record)
    customer = Customer(id=found.customer_id) if found.customer_id else None
    if found.is_void:
        yield from _called_off(found, source, customer)
        return
    if not found.is_paid:
        return
    lines = [line for line in found.line_items if line.status != "VOIDED"]
    sold = [line for line in lines if not line.goes_back]
    back = [line for line in lines if line.goes_back]
    if sold or not back:
        order = _order(found, sold, currency, customer, is_exchange=bool(back))
        key = found.id
        yield _event(EventType.ORDER_PAID, source, key, found.sale_date, customer, order)
        if found.updated_at > found.sale_date:
            key = f"{found.id}:{found.updated_at.isoformat()}"
            yield _event(EventType.ORDER_EDITED, source, key, found.updated_at, customer, order)
    if back:
        refund = _refund(found, back, currency, customer, is_exchange=bool(sold))
        yield _event(EventType.ORDER_REFUNDED, source, found.id, found.sale_date, customer, refund)


def _called_off(found: SalePayload, source: Source, customer: Customer | None) -> Iterator[Event]:
    when, key = found.updated_at, found.id
    if found.return_for is None:
        off = Cancellation(order_id=found.id, customer=customer)
        yield _event(EventType.ORDER_CANCELLED, source, key, when, customer, off)
    elif found.payments:  # a return that was only parked gave nothing back yet
        undone = RefundReversal(refund_id=key, order_id=found.return_for, customer=customer)
        yield _event(EventType.REFUND_REVERSED, source, key, when, customer, undone)


def _order(
    found: SalePayload,
    sold: list[LinePayload],
    currency: str,
    customer: Customer | None,
    *,
    is_exchange: bool,
) -> Order:
    tax = sum((line.tax_total for line in sold), ZERO) if is_exchange else found.total_tax
    net = sum((line.price_total for line in sold), ZERO) if is_exchange else found.total_price
    if net + tax < 0:
        raise Unreadable(f"sale {found.id}: its total is negative ({net + tax})")
    return Order(
        id=found.id,
        number=found.invoice_number,
        revision=found.updated_at,
        currency=check_currency(currency),
        total=rounded(net + tax, currency),
        tax=rounded(tax, currency),
        lines=tuple(_line(line, currency) for line in sold),
        # What an exchange was paid with is the difference only, so it says nothing of the goods.
        tenders=() if is_exchange else _tenders(found.payments, currency),
        channel=found.source.lower(),
        customer=customer,
    )


def _line(line: LinePayload, currency: str) -> Line:
    """Unit prices have five decimals, so the line counts by its rounded sum."""
    is_whole = line.quantity == line.quantity.to_integral_value() and 0 < line.quantity <= 10**6
    return Line(
        id=line.id,
        product_id=line.product_id or "",
        title=line.note,
        quantity=int(line.quantity) if is_whole else 1,
        unit_price=rounded(line.price, currency),
        gross=rounded(line.price_total, currency),
        tax=rounded(line.tax_total, currency),
    )


def _refund(
    found: SalePayload,
    back: list[LinePayload],
    currency: str,
    customer: Customer | None,
    *,
    is_exchange: bool,
) -> Refund:
    if found.return_for is None:
        raise Unreadable(
            f"sale {found.id} takes goods back without naming the sale they came from: take its "
            "points back by hand"
        )
    total = found.total_price + found.total_tax
    if is_exchange:
        total = sum((line.price_total + line.tax_total for line in back), ZERO)
    if total > 0:
        raise Unreadable(f"return {found.id}: its total is positive ({total})")
    return Refund(
        id=found.id,
        order_id=found.return_for,
        currency=check_currency(currency),
        amount=rounded(-total, currency),
        customer=customer,
    )


def _tenders(payments: tuple[PaymentPayload, ...], currency: str) -> tuple[Tender, ...]:
    return tuple(
        Tender(kind=_kind(one.name.lower()), amount=rounded(one.amount, currency))
        for one in payments
        if one.amount > 0
    )


def _kind(name: str) -> Any:
    """Payment types are the retailer's own; their names are all there is to go by."""
    if "gift" in name:
        return "gift_card"
    if "store credit" in name:
        return "store_credit"
    if "cash" in name:
        return "cash"
    return "card" if "card" in name or "eftpos" in name else "other"


def _event(
    kind: EventType,
    source: Source,
    key: str,
    when: datetime,
    customer: Customer | None,
    data: Any,
) -> Event:
    return Event(
        type=kind,
        store=source.store,
        key=key,
        time=when,
        subject=subject_of(source.store, customer, key),
        data=data,
    )
