"""From Square's orders to ours: the lines of a sale, which its payment does not have.

https://developer.squareup.com/reference/square/objects/Order. A sale is known by its payment's
id (triggers.py tells why), so an order tells the same sale once more, with its lines, and takes
over from the payment in the books. That holds for one payment alone: an order paid in parts
stays what its payments are, and so does one that takes goods back.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from connectors.kit.payload import first_time, read
from connectors.kit.webhook import Source, Unreadable
from connectors.square.amounts import amount_of
from connectors.square.payloads import MinorMoney, OrderLinePayload, OrderPayload, TenderPayload
from loyalty.events import Customer, Event, EventType, Line, Order, Tender, subject_of
from loyalty.money import check_currency

ZERO = Decimal(0)
Kind = Literal["card", "cash", "gift_card", "store_credit", "other"]
KINDS: dict[str, Kind] = {"CARD": "card", "CASH": "cash", "SQUARE_GIFT_CARD": "gift_card"}


def order_paid(record: Any, source: Source) -> Sequence[Event]:
    """order.paid for a completed order with lines and one payment; else nothing."""
    found = read(OrderPayload, record)
    if found.state != "COMPLETED" or len(found.tenders) != 1 or found.returns:
        return ()
    [tender] = found.tenders
    sale = tender.payment_id or tender.id
    if sale is None or not found.line_items:
        return ()
    customer = Customer(id=found.customer_id or tender.customer_id)
    known = None if customer.is_anonymous else customer
    moments = (found.closed_at, found.updated_at, found.created_at)
    return (
        Event(
            type=EventType.ORDER_PAID,
            store=source.store,
            key=found.id,
            time=first_time(moments, f"order {found.id}"),
            subject=subject_of(source.store, known, sale),
            data=_order(found, sale, tender, known),
        ),
    )


def _order(found: OrderPayload, sale: str, tender: TenderPayload, buyer: Customer | None) -> Order:
    total, currency = amount_of(found.total_money, f"order {found.id}")
    paid, _ = amount_of(tender.amount_money, f"the tender of order {found.id}")
    return Order(
        id=sale,
        number=found.ticket_name,
        revision=found.updated_at,
        currency=currency,
        total=total,
        lines=tuple(_line(one, found.id, currency) for one in found.line_items),
        shipping=_part(found.total_service_charge_money, currency, f"order {found.id}"),
        tax=_part(found.total_tax_money, currency, f"order {found.id}"),
        tip=_part(found.total_tip_money, currency, f"order {found.id}"),
        tenders=(Tender(kind=KINDS.get(tender.type, "other"), amount=paid),),
        channel=found.source.name if found.source else "",
        customer=buyer,
    )


def _line(one: OrderLinePayload, order_id: str, currency: str) -> Line:
    """Worked out from the line's total: only that is the same whether prices include tax."""
    what = f"line {one.uid} of order {order_id}"
    total, _ = amount_of(one.total_money, what)
    tax = _part(one.total_tax_money, currency, what)
    discount = _part(one.total_discount_money, currency, what)
    net = total - tax - _part(one.total_service_charge_money, currency, what)
    pieces = _pieces(one.quantity, what)
    gross = net + discount
    price = gross if one.base_price_money is None else amount_of(one.base_price_money, what)[0]
    return Line(
        id=one.uid,
        product_id=one.catalog_object_id or "",
        title=" ".join(part for part in (one.name, one.variation_name) if part),
        quantity=pieces,
        unit_price=price,
        gross=gross,
        discount=discount,
        tax=tax,
        is_gift_card=one.item_type == "GIFT_CARD",
    )


def _pieces(quantity: str, what: str) -> int:
    """Goods sold by weight (1.25 kg) count as one piece."""
    try:
        found = Decimal(quantity)
    except InvalidOperation:
        raise Unreadable(f"{what} has no quantity") from None
    if not found.is_finite() or not 0 <= found <= 1_000_000:
        raise Unreadable(f"{what}: the quantity is out of range")
    return int(found) if found == int(found) else 1


def _part(money: MinorMoney | None, currency: str, what: str) -> Decimal:
    if money is None:
        return ZERO
    amount, other = amount_of(money, what)
    if check_currency(other) != currency:
        raise Unreadable(f"{what} has amounts in {other} and {currency}")
    return amount
