"""From Wix's contacts, orders, refunds and redemptions to events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from connectors.kit.payload import read
from connectors.kit.webhook import Source, Unreadable
from connectors.wix.payloads import (
    ZERO,
    ContactPayload,
    LinePayload,
    OrderPayload,
    RefundPayload,
    TransactionPayload,
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
    Redemption,
    Refund,
    RefundLine,
    subject_of,
)
from loyalty.money import check_currency, rounded

CONSENTS = {"SUBSCRIBED": ConsentState.GRANTED, "UNSUBSCRIBED": ConsentState.WITHDRAWN}


def contact_events(record: Any, source: Source) -> Iterator[Event]:
    """A contact as new, and as changed where they changed since."""
    found = read(ContactPayload, record)
    customer = _customer(found)
    yield _event(EventType.CUSTOMER_CREATED, source, found.id, found.created, customer, customer)
    if found.updated > found.created:
        key = f"{found.id}:{found.updated.isoformat()}"
        yield _event(EventType.CUSTOMER_UPDATED, source, key, found.updated, customer, customer)


def _customer(found: ContactPayload) -> Customer:
    stated = {
        Channel.EMAIL: found.email.subscription if found.email else "",
        Channel.SMS: found.phone.subscription if found.phone else "",
    }
    info = found.info
    name = info.name if info else None
    phone = found.phone
    labels = info.label_keys if info else None
    return Customer(
        id=found.id,
        email=found.email.email if found.email else None,
        phone=(phone.e164 or phone.phone) if phone else None,
        first_name=name.first if name else "",
        last_name=name.last if name else "",
        locale=info.locale if info and len(info.locale) <= 35 else "",
        birthday=info.birthdate if info else None,
        created_at=found.created,
        tags=labels.items if labels else (),
        consents={
            channel: CONSENTS[state] for channel, state in stated.items() if state in CONSENTS
        },
    )


def order_events(
    found: OrderPayload, source: Source, *, refunds: Sequence[Any] = ()
) -> Iterator[Event]:
    """What an order tells at its present state: paid, changed, given back, called off."""
    buyer = _buyer(found)
    if found.status == "CANCELED":
        off = Cancellation(order_id=found.id, customer=buyer)
        yield _event(EventType.ORDER_CANCELLED, source, found.id, found.updated, off, buyer)
        return
    if not found.is_paid:
        return
    order = _order(found, buyer)
    bought = found.purchased or found.created
    yield _event(EventType.ORDER_PAID, source, found.id, bought, order, buyer)
    if found.updated > bought:
        key = f"{found.id}:{found.updated.isoformat()}"
        yield _event(EventType.ORDER_EDITED, source, key, found.updated, order, buyer)
    for one in refunds:
        given = read(RefundPayload, one)
        refund = _refund(given, order)
        if refund.amount > 0:
            kind = EventType.ORDER_REFUNDED
            yield _event(kind, source, given.id, given.created, refund, buyer)


def _buyer(found: OrderPayload) -> Customer | None:
    details = found.billing.details if found.billing else None
    address = found.billing.address if found.billing else None
    customer = Customer(
        id=found.buyer.contact_id if found.buyer else None,
        email=found.buyer.email if found.buyer else None,
        phone=details.phone if details else None,
        first_name=details.first if details else "",
        last_name=details.last if details else "",
        country=address.country if address else "",
        locale=found.language if len(found.language) <= 35 else "",
    )
    return None if customer.is_anonymous else customer


def _order(found: OrderPayload, buyer: Customer | None) -> Order:
    summary = found.summary
    if summary.total < 0:
        raise Unreadable(f"order {found.id}: its total is negative ({summary.total})")
    currency = check_currency(found.currency)
    lines = tuple(_line(one, currency) for one in found.lines if one.quantity)
    cost = found.shipping.cost if found.shipping else None
    net = cost.before_tax if cost else None
    shipping = summary.shipping if net is None else net
    parts = sum((line.net for line in lines), ZERO) + shipping + summary.tax + summary.fees
    codes = (one.coupon.code for one in found.applied if one.coupon)
    return Order(
        id=found.id,
        number=found.number,
        revision=found.updated,
        currency=currency,
        total=rounded(summary.total, currency),
        lines=lines,
        # Of all discounts, what the lines and the shipping do not carry.
        discount=rounded(max(parts - summary.total, ZERO), currency),
        shipping=rounded(shipping, currency),
        tax=rounded(summary.tax, currency),
        codes=tuple(code for code in codes if code),
        channel=found.channel.type.lower() if found.channel else "",
        customer=buyer,
    )


def _line(one: LinePayload, currency: str) -> Line:
    net = one.price * one.quantity if one.before_tax is None else one.before_tax
    return Line(
        id=one.id,
        sku=one.physical.sku if one.physical else "",
        product_id=(one.catalog.item_id if one.catalog else None) or "",
        title=one.name.original if one.name else "",
        quantity=one.quantity,
        unit_price=rounded(one.price, currency),
        gross=rounded(net, currency),
        tax=rounded(one.tax.total if one.tax else ZERO, currency),
        is_gift_card=bool(one.kind and one.kind.preset == "GIFT_CARD"),
    )


def _refund(given: RefundPayload, order: Order) -> Refund:
    """The refund, less what the payment provider failed to pay back."""
    amount = sum((one.amount for one in given.parts if one.status != "FAILED"), ZERO)
    lines = {line.id: line for line in order.lines}
    back = []
    for item in given.details.items if given.details else ():
        line = lines.get(item.line_id or "")
        if line and item.quantity:
            quantity = min(item.quantity, line.quantity)
            value = rounded(line.net * quantity / line.quantity, order.currency)
            back.append(RefundLine(line_id=line.id, quantity=quantity, amount=value))
    return Refund(
        id=given.id,
        order_id=order.id,
        currency=order.currency,
        amount=rounded(max(amount, ZERO), order.currency),
        lines=() if any(one.status == "FAILED" for one in given.parts) else tuple(back),
        customer=order.customer,
    )


def redemption_events(
    found: TransactionPayload, source: Source, contact_id: str
) -> Iterator[Event]:
    """Points that a member spent at Wix."""
    points = abs(int(found.amount))
    if not points:
        return
    customer = Customer(id=contact_id)
    reward = found.redeemed.reward_id if found.redeemed else ""
    data = Redemption(
        id=found.id, points=points, reward=reward or found.description, customer=customer
    )
    yield _event(EventType.REWARD_REDEEMED, source, found.id, found.created, data, customer)


def _event(
    kind: EventType, source: Source, key: str, when: datetime, data: Any, who: Customer | None
) -> Event:
    return Event(
        type=kind,
        store=source.store,
        key=key,
        time=when,
        subject=subject_of(source.store, who, key),
        data=data,
    )
