"""What part of an order earns points: ordinary lines, after discounts, nothing else."""

from __future__ import annotations

from decimal import Decimal

from loyalty.events import Frozen, Line, Order
from loyalty.facts import RatedOrder
from loyalty.money import check_scale, decimals

_NONE = Decimal(0)


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
    or to the lines' whole value where the discount is larger. Reckoned in whole smallest units,
    so that nothing is ever rounded.

    Raises:
        MoneyError: An amount has more decimals than the currency.
    """
    places = decimals(currency)
    weights = [max(_minor(line.net, currency, places), 0) for line in lines]
    whole = sum(weights)
    given = min(_minor(discount, currency, places), whole)
    if given <= 0:
        return [Decimal(0)] * len(lines)
    parts = [divmod(given * weight, whole) for weight in weights]
    shares = [share for share, _ in parts]
    left = given - sum(shares)
    by_remainder = sorted(range(len(lines)), key=lambda at: (-parts[at][1], at))
    for at in by_remainder[:left]:
        shares[at] += 1
    return [Decimal(share).scaleb(-places) for share in shares]


def _minor(amount: Decimal, currency: str, places: int) -> int:
    return int(check_scale(amount, currency).scaleb(places))


def eligible_amount(order: Order, policy: EligibilityPolicy) -> Decimal:
    """The amount that earns, in major units at the currency's scale; never below zero."""
    counts = [policy.gift_card_lines or not line.is_gift_card for line in order.lines]
    amount = sum((line.net for line, one in zip(order.lines, counts, strict=True) if one), _NONE)
    if order.discount:
        shares = allocate(order.discount, order.lines, order.currency)
        amount -= sum((share for share, one in zip(shares, counts, strict=True) if one), _NONE)
    amount += order.tax * policy.tax + order.shipping * policy.shipping + order.tip * policy.tip
    amount -= sum(
        (one.amount for one in order.tenders if one.kind in policy.subtract_tenders), _NONE
    )
    return max(amount, _NONE)


def rate(order: Order, policy: EligibilityPolicy) -> RatedOrder:
    """The order as rules see it, with what counts for points worked out."""
    # An order is validated already; validating it again would cost more than all the rules.
    fields = {name: value for name, value in order.__dict__.items() if name != "eligible"}
    return RatedOrder.model_construct(**fields, eligible=eligible_amount(order, policy))
