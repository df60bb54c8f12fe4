"""From Shopify's orders and refunds to ours.

Our order is what was sold and paid for; what is given back is told by refunds alone. Shopify
mixes the two: units taken out of an order by an edit appear as a refund without money
(https://shopify.dev/docs/apps/build/orders-fulfillment/order-management-apps/edit-orders).
Such units are left out unless the customer paid for them: then a money refund will follow,
and it is that one which takes them back. Otherwise they would be taken back twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from connectors.kit.webhook import Unreadable
from connectors.shopify.payloads import (
    LinePayload,
    MoneySet,
    OrderPayload,
    Priced,
    RefundPayload,
    ShippingPayload,
)
from loyalty.events import Customer, Line, Order, Refund, RefundLine
from loyalty.money import check_currency, decimals

ZERO = Decimal(0)


@dataclass(frozen=True)
class _Sold:
    """What of an order was paid for: its total, the units left out, the value never paid."""

    total: Decimal
    left_out: Counter[str]
    discount: Decimal = ZERO


def order_of(payload: OrderPayload, customer: Customer | None) -> Order:
    """The order as sold; Unreadable or MoneyError where its amounts cannot be."""
    if payload.total_price < 0:
        raise Unreadable(f"order {payload.id}: total_price is negative ({payload.total_price})")
    currency = check_currency(payload.currency)
    sold = _sold(payload)
    return Order(
        id=payload.id,
        number=payload.name,
        revision=payload.updated_at,
        currency=currency,
        total=sold.total,
        lines=_lines(payload, sold.left_out, currency),
        discount=sold.discount,
        shipping=sum((_shipping(one, payload) for one in payload.shipping_lines), ZERO),
        tax=payload.total_tax,
        tip=payload.total_tip_received,
        codes=tuple(one.code for one in payload.discount_codes if one.code),
        channel=payload.source_name,
        is_test=bool(payload.test),
        customer=customer,
    )


def _sold(payload: OrderPayload) -> _Sold:
    """Weighs the units taken out without money against what was paid for them.

    That is what the customer is owed (a negative outstanding amount) and what went back to
    them for no unit in particular. Where it covers a part only, all units stay and the rest
    counts as a discount.
    """
    emptied = [one for one in payload.refunds if one.refund_line_items and not returned(one)]
    if not emptied or payload.current_total_price is None:
        return _Sold(payload.total_price, Counter())
    with_money = [one for one in payload.refunds if returned(one)]
    given_back = sum((returned(one) for one in with_money), ZERO)
    for_units = sum((_listed(one, payload.taxes_included) for one in with_money), ZERO)
    paid_for = max(given_back - for_units - payload.total_outstanding, ZERO)
    value = sum((_listed(one, payload.taxes_included) for one in emptied), ZERO)
    total = max(payload.current_total_price - payload.total_outstanding + given_back, ZERO)
    if paid_for:
        return _Sold(total, Counter(), max(value - paid_for, ZERO))
    units: Counter[str] = Counter()
    for line in (line for one in emptied for line in one.refund_line_items):
        units[line.line_item_id] += line.quantity
    return _Sold(total, units)


def _lines(payload: OrderPayload, removed: Counter[str], currency: str) -> tuple[Line, ...]:
    lines = []
    for one in payload.line_items:
        quantity = one.quantity - removed[one.id]
        if one.tip is None and quantity > 0:
            lines.append(_line(one, quantity, payload.taxes_included, currency))
    return tuple(lines)


def _line(one: LinePayload, quantity: int, taxes_included: bool | None, currency: str) -> Line:
    allocations = one.discount_allocations
    discount = (
        one.total_discount if allocations is None else sum((a.amount for a in allocations), ZERO)
    )
    tax = _sum(one.tax_lines)
    if quantity != one.quantity:
        unit = Decimal(1).scaleb(-decimals(currency))
        discount = (discount * quantity / one.quantity).quantize(unit, ROUND_HALF_UP)
        tax = (tax * quantity / one.quantity).quantize(unit, ROUND_HALF_UP)
    return Line(
        id=one.id,
        sku=one.sku,
        product_id=one.product_id or "",
        title=one.title,
        quantity=quantity,
        unit_price=one.price,
        gross=one.price * quantity - tax if taxes_included and tax else None,
        discount=discount,
        tax=tax,
        is_gift_card=bool(one.gift_card),
    )


def _shipping(one: ShippingPayload, payload: OrderPayload) -> Decimal:
    if one.is_removed:
        return ZERO
    price = one.price if one.discounted_price is None else one.discounted_price
    return price - _sum(one.tax_lines) if payload.taxes_included else price


def _sum(parts: Iterable[Priced]) -> Decimal:
    return sum((one.price for one in parts), ZERO)


# --- refunds ---------------------------------------------------------------------------------


def refund_of(payload: RefundPayload) -> Refund | None:
    """The refund, or None where no money was given back (a restock, or units taken out)."""
    if payload.order_id is None:
        raise Unreadable(f"refund {payload.id} names no order")
    amount = returned(payload)
    if amount == 0:
        return None
    currency = _currency(payload)
    paid_in_shop_currency = all(
        one.currency in ("", currency) for one in payload.transactions if _gives_back(one.status)
    )
    without_tax = _listed(payload, True) - _adjusted(payload)
    with_tax = _listed(payload, False) - _adjusted(payload)
    if not paid_in_shop_currency:
        amount = with_tax
    taxes_included = amount == without_tax != with_tax
    if amount < 0:
        raise Unreadable(f"refund {payload.id}: the amount is negative ({amount})")
    lines = tuple(
        RefundLine(line_id=one.line_item_id, quantity=one.quantity, amount=value)
        for one in payload.refund_line_items
        if (
            value := _in_shop_money(one.subtotal_set, one.subtotal)
            - (_in_shop_money(one.total_tax_set, one.total_tax) if taxes_included else ZERO)
        )
        >= 0
    )
    return Refund(
        id=payload.id, order_id=payload.order_id, currency=currency, amount=amount, lines=lines
    )


def returned(payload: RefundPayload) -> Decimal:
    """The money that goes back, in the currency it was paid in."""
    return sum(
        (
            one.amount
            for one in payload.transactions
            if one.kind == "refund" and _gives_back(one.status)
        ),
        ZERO,
    )


def _gives_back(status: str) -> bool:
    # There is no second webhook when a pending refund succeeds, so it counts from the start.
    return status in ("success", "pending", "")


def _listed(payload: RefundPayload, taxes_included: bool | None) -> Decimal:
    """What the listed units cost, tax included, whichever way the shop lists its prices."""
    total = ZERO
    for one in payload.refund_line_items:
        total += _in_shop_money(one.subtotal_set, one.subtotal)
        if not taxes_included:
            total += _in_shop_money(one.total_tax_set, one.total_tax)
    return total


def _adjusted(payload: RefundPayload) -> Decimal:
    return sum((one.amount + one.tax_amount for one in payload.order_adjustments), ZERO)


def _in_shop_money(both: MoneySet | None, plain: Decimal) -> Decimal:
    return plain if both is None else both.shop_money.amount


def _currency(payload: RefundPayload) -> str:
    named = [
        one.subtotal_set.shop_money.currency_code
        for one in payload.refund_line_items
        if one.subtotal_set is not None
    ]
    named += [
        one.amount_set.shop_money.currency_code
        for one in payload.order_adjustments
        if one.amount_set is not None
    ]
    named += [one.currency for one in payload.transactions if one.currency]
    if not named:
        raise Unreadable(f"refund {payload.id} names no currency")
    return check_currency(named[0])
