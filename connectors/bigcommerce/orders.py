"""From BigCommerce's orders, refunds and customers to events.

https://developer.bigcommerce.com/docs/rest-management/orders and .../transactions (refunds).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.bigcommerce.payloads import (
    ZERO,
    CouponPayload,
    CustomerPayload,
    LinePayload,
    OrderPayload,
    RefundPayload,
)
from connectors.kit.payload import read
from connectors.kit.webhook import Source, Unreadable
from loyalty.events import (
    Cancellation,
    Customer,
    Event,
    EventType,
    Line,
    Order,
    Refund,
    RefundLine,
    Tender,
    subject_of,
)
from loyalty.money import check_currency, rounded


def customer_events(record: Any, source: Source) -> Iterator[Event]:
    """A customer as new, and as changed where they changed since."""
    found = read(CustomerPayload, record)
    customer = Customer(
        id=found.id,
        email=found.email,
        phone=found.phone,
        first_name=found.first_name,
        last_name=found.last_name,
        created_at=found.date_created,
    )
    yield _event(EventType.CUSTOMER_CREATED, source, found.id, found.date_created, customer)
    if found.date_modified > found.date_created:
        key = f"{found.id}:{found.date_modified.isoformat()}"
        yield _event(EventType.CUSTOMER_UPDATED, source, key, found.date_modified, customer)


def order_events(
    found: OrderPayload,
    source: Source,
    *,
    products: Sequence[Any],
    coupons: Sequence[Any],
    refunds: Sequence[Any],
) -> Iterator[Event]:
    """What an order tells at its present state: paid, changed, given back, called off."""
    customer = buyer(found)
    if found.is_off:
        off = Cancellation(order_id=found.id, customer=customer)
        kind, when = EventType.ORDER_CANCELLED, found.date_modified
        yield _event(kind, source, found.id, when, off, customer)
        return
    if not found.is_paid:
        return
    lines = [read(LinePayload, one) for one in products]
    codes = tuple(read(CouponPayload, one).code for one in coupons)
    order = _order(found, lines, tuple(code for code in codes if code), customer)
    yield _event(EventType.ORDER_PAID, source, found.id, found.date_created, order, customer)
    if found.date_modified > found.date_created:
        key = f"{found.id}:{found.date_modified.isoformat()}"
        kind, when = EventType.ORDER_EDITED, found.date_modified
        yield _event(kind, source, key, when, order, customer)
    for one in refunds:
        given = read(RefundPayload, one)
        refund = _refund(given, found, order, customer)
        if refund.amount > 0:
            kind, when = EventType.ORDER_REFUNDED, given.created
            yield _event(kind, source, given.id, when, refund, customer)


def buyer(found: OrderPayload) -> Customer | None:
    """Who ordered: the customer, else whoever is named in the billing address."""
    address = found.billing_address
    if address is None:
        return Customer(id=found.customer_id) if found.customer_id else None
    customer = Customer(
        id=found.customer_id,
        email=address.email,
        phone=address.phone,
        first_name=address.first_name,
        last_name=address.last_name,
        country=address.country_iso2,
        locale=found.customer_locale if len(found.customer_locale) <= 35 else "",
    )
    return None if customer.is_anonymous else customer


def _order(
    found: OrderPayload,
    lines: Sequence[LinePayload],
    codes: tuple[str, ...],
    customer: Customer | None,
) -> Order:
    if found.total_inc_tax < 0:
        raise Unreadable(f"order {found.id}: its total is negative ({found.total_inc_tax})")
    currency = check_currency(found.currency)
    sold = tuple(_line(one, currency) for one in lines if one.quantity)
    extra = found.shipping_cost_ex_tax + found.handling_cost_ex_tax + found.wrapping_cost_ex_tax
    told = sum((line.discount for line in sold), ZERO)
    # Of all discounts, what the lines do not carry; fees make it negative, and are no discount.
    rest = found.subtotal_ex_tax + extra - found.total_ex_tax - told
    return Order(
        id=found.id,
        number=found.id,
        revision=found.date_modified,
        currency=currency,
        total=rounded(found.total_inc_tax, currency),
        lines=sold,
        discount=rounded(max(rest, ZERO), currency),
        shipping=rounded(extra, currency),
        tax=rounded(found.total_tax, currency),
        tenders=_tenders(found, currency),
        codes=codes,
        channel=found.order_source,
        is_test=found.payment_method.lower().startswith("test payment"),
        customer=customer,
    )


def _line(one: LinePayload, currency: str) -> Line:
    gross = rounded(one.total_ex_tax, currency)
    discount = sum((each.amount for each in one.applied_discounts), ZERO)
    return Line(
        id=one.id,
        sku=one.sku,
        product_id=one.product_id or "",
        title=one.name,
        quantity=one.quantity,
        unit_price=rounded(one.price_ex_tax, currency),
        gross=gross,
        discount=min(rounded(discount, currency), gross),
        tax=rounded(one.total_tax, currency),
        is_gift_card=one.type == "giftcertificate",
    )


def _tenders(found: OrderPayload, currency: str) -> tuple[Tender, ...]:
    gift, credit = found.gift_certificate_amount, found.store_credit_amount
    rest = found.total_inc_tax - gift - credit
    parts: tuple[tuple[Any, Decimal], ...] = (
        ("gift_card", gift), ("store_credit", credit), ("other", rest),
    )  # fmt: skip
    return tuple(
        Tender(kind=kind, amount=rounded(amount, currency)) for kind, amount in parts if amount > 0
    )


def _refund(
    given: RefundPayload, found: OrderPayload, order: Order, customer: Customer | None
) -> Refund:
    """The refund, less what the payment provider declined to pay back."""
    declined = sum((one.amount for one in given.payments if one.is_declined), ZERO)
    lines = {line.id: line for line in order.lines}
    back, shipping = [], ZERO
    for item in given.items:
        line = lines.get(item.item_id or "")
        if item.item_type in ("SHIPPING", "HANDLING"):
            shipping += item.requested_amount or ZERO
        elif item.item_type == "PRODUCT" and item.quantity and line:
            quantity = min(item.quantity, line.quantity)
            amount = rounded(line.net * quantity / line.quantity, order.currency)
            back.append(RefundLine(line_id=line.id, quantity=quantity, amount=amount))
    amount = max(given.total_amount - declined, ZERO)
    return Refund(
        id=given.id,
        order_id=found.id,
        currency=order.currency,
        amount=rounded(amount, order.currency),
        lines=() if declined else tuple(back),
        shipping=rounded(min(shipping, amount), order.currency),
        customer=customer,
    )


def _event(
    kind: EventType,
    source: Source,
    key: str,
    when: datetime,
    data: Any,
    customer: Customer | None = None,
) -> Event:
    who = data if isinstance(data, Customer) else customer
    return Event(
        type=kind,
        store=source.store,
        key=key,
        time=when,
        subject=subject_of(source.store, who, key),
        data=data,
    )
