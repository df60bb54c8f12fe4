"""From SHOPLINE's orders and refunds to ours.

Our order is what was sold; what is given back is told by refunds alone. `current_…` amounts are
those after edits and refunds, so what went back is added where they have fallen already. Points
of the shop's own members' programme that paid for a part count as a discount: for that part
nobody earns again.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from connectors.kit.payload import read
from connectors.kit.webhook import Unreadable
from connectors.shopline.payloads import (
    AdjustmentPayload,
    LinePayload,
    OrderPayload,
    Priced,
    RefundPayload,
)
from loyalty.events import Customer, Line, Order, Refund, RefundLine
from loyalty.money import check_currency

ZERO = Decimal(0)
FAILED = frozenset({"failure", "failed", "error", "cancelled", "canceled", "voided"})


def order_of(payload: OrderPayload, customer: Customer | None) -> Order:
    """The order as sold; Unreadable or MoneyError where its amounts cannot be."""
    lines = tuple(_line(one, payload.taxes_included) for one in payload.line_items)
    worth = sum((line.net for line in lines), ZERO)
    on_lines = sum((line.discount for line in lines), ZERO)
    unshared = max(payload.total_discounts - on_lines, ZERO) + payload.deduct_member_point_amount
    return Order(
        id=payload.id,
        number=payload.name,
        revision=payload.updated_at,
        currency=check_currency(payload.currency),
        total=_total(payload),
        lines=lines,
        discount=max(min(unshared, worth), ZERO),
        shipping=_shipping(payload),
        tax=payload.total_tax,
        tip=payload.total_tip_received,
        codes=payload.discount_codes,
        channel=payload.order_source,
        is_test=bool(payload.test),
        customer=customer,
    )


def _total(payload: OrderPayload) -> Decimal:
    total = payload.total_price
    if total is None and payload.current_total_price is not None:
        total = payload.current_total_price
        before, after = payload.subtotal_price, payload.current_subtotal_price
        if before is not None and after is not None and after < before:
            refunds = [read(RefundPayload, one) for one in payload.refunds]
            total += sum((returned(one) for one in refunds), ZERO)
    if total is None:
        raise Unreadable(f"order {payload.id} has no total")
    if total < 0:
        raise Unreadable(f"order {payload.id}: its total is negative ({total})")
    return total


def _line(one: LinePayload, taxes_included: bool | None) -> Line:
    tax = _sum(one.tax_lines)
    return Line(
        id=one.id,
        sku=one.sku,
        product_id=one.product_id or "",
        title=one.title,
        quantity=one.quantity,
        unit_price=one.price,
        gross=one.price * one.quantity - tax if taxes_included and tax else None,
        discount=sum((share.amount for share in one.discount_allocations), ZERO),
        tax=tax,
        tags=(one.vendor,) if one.vendor else (),
    )


def _shipping(payload: OrderPayload) -> Decimal:
    if not payload.shipping_lines:
        return payload.total_shipping_price
    return sum(
        (
            one.price - _sum(one.tax_lines) if payload.taxes_included else one.price
            for one in payload.shipping_lines
        ),
        ZERO,
    )


def _sum(parts: Iterable[Priced]) -> Decimal:
    return sum((one.price for one in parts), ZERO)


# --- refunds ---------------------------------------------------------------------------------


def refund_of(payload: RefundPayload) -> Refund | None:
    """The refund, or None where no money is given back (a restock)."""
    if payload.order_id is None:
        raise Unreadable(f"refund {payload.id} names no order")
    amount = returned(payload)
    if amount == 0:
        return None
    if amount < 0:
        raise Unreadable(f"refund {payload.id}: the amount is negative ({amount})")
    without_tax = _subtotals(payload) + _adjusted(payload.order_adjustments)
    taxes_included = amount == without_tax != _listed(payload)
    lines = tuple(
        RefundLine(line_id=one.line_item_id, quantity=one.quantity, amount=max(value, ZERO))
        for one in payload.refund_line_items
        for value in [one.subtotal - (one.total_tax if taxes_included else ZERO)]
    )
    shipping = _adjusted(one for one in payload.order_adjustments if one.kind == "shipping_refund")
    return Refund(
        id=payload.id,
        order_id=payload.order_id,
        currency=check_currency(_currency(payload)),
        amount=amount,
        lines=lines,
        shipping=min(shipping, amount),
    )


def returned(payload: RefundPayload) -> Decimal:
    """The money that goes back: as paid, or as listed where no payment is named.

    The event "is not related to the flow of funds" (the vendor's page), so a refund without
    transactions is one whose money follows; in another currency than the shop's it counts as
    listed too.
    """
    paid = [one for one in payload.transactions if one.kind in ("refund", "")]
    good = [one for one in paid if one.status.lower() not in FAILED]
    if paid and not good:
        return ZERO
    shop = _shop_currency(payload)
    if not good or (shop and any(one.currency not in ("", shop) for one in good)):
        return _listed(payload)
    return sum((one.amount for one in good), ZERO)


def _listed(payload: RefundPayload) -> Decimal:
    taxes = sum((one.total_tax for one in payload.refund_line_items), ZERO)
    return _subtotals(payload) + taxes + _adjusted(payload.order_adjustments)


def _subtotals(payload: RefundPayload) -> Decimal:
    return sum((one.subtotal for one in payload.refund_line_items), ZERO)


def _adjusted(parts: Iterable[AdjustmentPayload]) -> Decimal:
    return sum((abs(one.amount) + abs(one.tax_amount) for one in parts), ZERO)


def _shop_currency(payload: RefundPayload) -> str:
    sets = [one.subtotal_set for one in payload.refund_line_items]
    sets += [one.amount_set for one in payload.order_adjustments]
    named = [one.shop_money.currency_code for one in sets if one and one.shop_money]
    return named[0] if named else ""


def _currency(payload: RefundPayload) -> str:
    named = [_shop_currency(payload), *(one.currency for one in payload.transactions)]
    for currency in named:
        if currency:
            return currency
    raise Unreadable(f"refund {payload.id} names no currency")
