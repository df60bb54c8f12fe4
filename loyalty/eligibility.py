"""What part of an order earns points: ordinary lines, after discounts, nothing else."""

from __future__ import annotations

from decimal import Decimal

from loyalty.events import Frozen, Line, Order
from loyalty.facts import RatedOrder
from loyalty.money import decimals


class EligibilityPolicy(Frozen):
    """What counts besides the net value of ordinary lines."""

    tax: bool = False
    shipping: bool = False
    tip: bool = False
    gift_card_lines: bool = False
    subtract_tenders: tuple[str, ...] = ()


def allocate(discount: Decimal, lines: tuple[Line, ...], currency: str) -> list[Decimal]:
    """The order discount shared over ALL lines by net value, to the smallest unit.

    By largest remainder, ties to the earlier line; the shares add up to the discount exactly,
    or to the lines' whole value where the discount is larger.
    """
    weights = [max(line.net, Decimal(0)) for line in lines]
    whole = sum(weights, Decimal(0))
    unit = Decimal(1).scaleb(-decimals(currency))
    if not whole or not discount:
        return [Decimal(0)] * len(lines)
    given = min(discount, whole)
    exact = [given * weight / whole for weight in weights]
    shares = [share // unit * unit for share in exact]
    left = int((given - sum(shares, Decimal(0))) / unit)
    by_remainder = sorted(range(len(lines)), key=lambda i: (shares[i] - exact[i], i))
    for i in by_remainder[:left]:
        shares[i] += unit
    return shares


def eligible_amount(order: Order, policy: EligibilityPolicy) -> Decimal:
    """The amount that earns, in major units at the currency's scale; never below zero."""
    shares = allocate(order.discount, order.lines, order.currency)
    amount = sum(
        (
            line.net - share
            for line, share in zip(order.lines, shares, strict=True)
            if policy.gift_card_lines or not line.is_gift_card
        ),
        Decimal(0),
    )
    amount += order.tax * policy.tax + order.shipping * policy.shipping + order.tip * policy.tip
    amount -= sum(
        (one.amount for one in order.tenders if one.kind in policy.subtract_tenders), Decimal(0)
    )
    return max(amount, Decimal(0))


def rate(order: Order, policy: EligibilityPolicy) -> RatedOrder:
    """The order as rules see it, with what counts for points worked out."""
    fields = {name: getattr(order, name) for name in Order.model_fields}
    return RatedOrder.model_construct(**fields, eligible=eligible_amount(order, policy))
