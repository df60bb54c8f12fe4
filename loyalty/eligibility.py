"""What part of an order earns points: ordinary lines, after discounts, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, overload

from loyalty.events import Frozen, Line, Order, Payment, made
from loyalty.facts import RatedLine, RatedOrder, RatedPayment
from loyalty.fx import convert
from loyalty.money import check_scale, decimals

if TYPE_CHECKING:
    from loyalty.programme import Programme

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
    given = min(_minor(discount, currency, places), sum(weights))
    return [Decimal(share).scaleb(-places) for share in share_out(given, weights)]


def share_out(given: int, weights: Sequence[int]) -> list[int]:
    """A whole number shared by weights, none below zero, by largest remainder.

    Ties go to the earlier one. Nothing is shared where there is nothing or no weight.
    """
    whole = sum(weights)
    if given <= 0 or whole <= 0:
        return [0] * len(weights)
    parts = [divmod(given * weight, whole) for weight in weights]
    shares = [share for share, _ in parts]
    left = given - sum(shares)
    by_remainder = sorted(range(len(weights)), key=lambda at: (-parts[at][1], at))
    for at in by_remainder[:left]:
        shares[at] += 1
    return shares


def _minor(amount: Decimal, currency: str, places: int) -> int:
    return int(check_scale(amount, currency).scaleb(places))


def net_lines(order: Order) -> list[Decimal]:
    """What each line cost after its own discount and its share of the order's."""
    if not order.discount:
        return [line.net for line in order.lines]
    shares = allocate(order.discount, order.lines, order.currency)
    return [line.net - share for line, share in zip(order.lines, shares, strict=True)]


def eligible_parts(order: Order, policy: EligibilityPolicy) -> tuple[list[Decimal], Decimal]:
    """What counts of each line, and of what is no line's, before tenders are subtracted."""
    lines = [
        net if policy.gift_card_lines or not line.is_gift_card else _NONE
        for line, net in zip(order.lines, net_lines(order), strict=True)
    ]
    extra = order.tax * policy.tax + order.shipping * policy.shipping + order.tip * policy.tip
    return lines, extra


def eligible_amount(order: Order, policy: EligibilityPolicy) -> Decimal:
    """The amount that earns, in the order's currency; never below zero."""
    lines, extra = eligible_parts(order, policy)
    return _after_tenders(order, policy, sum(lines, extra))


def _after_tenders(order: Order, policy: EligibilityPolicy, amount: Decimal) -> Decimal:
    for tender in order.tenders:
        if tender.kind in policy.subtract_tenders:
            amount -= tender.amount
    return max(amount, _NONE)


@overload
def rate(data: Order, programme: Programme, fx_rate: Decimal = ...) -> RatedOrder: ...
@overload
def rate(data: Payment, programme: Programme, fx_rate: Decimal = ...) -> RatedPayment: ...
def rate(
    data: Order | Payment, programme: Programme, fx_rate: Decimal = Decimal(1)
) -> RatedOrder | RatedPayment:
    """The sale as rules see it: what counts for points, in all and of each line.

    The whole is converted and rounded once (`programme.fx_rounding`); the lines get their
    shares of it by largest remainder, so that they add up to the last cent.

    Args:
        data: As the store reports it, or what remains of it.
        programme: What counts, and the currency it is counted in.
        fx_rate: What one unit of the sale's currency is worth in the programme's.
    """
    fields = dict(data.__dict__)
    if isinstance(data, Payment):
        counts = data.amount if programme.eligible.tip else data.amount - data.tip
        eligible = _converted(max(counts, _NONE), data.currency, programme, fx_rate)
        fields |= {"eligible": eligible, "fx_rate": fx_rate}
        return made(RatedPayment, **fields)
    lines, extra = eligible_parts(data, programme.eligible)
    before = sum(lines, extra)
    counts = _after_tenders(data, programme.eligible, before)
    eligible = _converted(counts, data.currency, programme, fx_rate)
    if eligible != before:
        *lines, extra = _shares(eligible, [*lines, extra], programme.currency)
    rated = tuple(_rated(line, share) for line, share in zip(data.lines, lines, strict=True))
    fields |= {"lines": rated, "eligible": eligible, "extra": extra, "fx_rate": fx_rate}
    return made(RatedOrder, **fields)


def _converted(amount: Decimal, currency: str, programme: Programme, fx_rate: Decimal) -> Decimal:
    # One for one is a conversion, too: 0.01 EUR are no whole yen.
    if currency == programme.currency and fx_rate == 1:
        return amount
    return convert(amount, fx_rate, currency=programme.currency, rounding=programme.fx_rounding)


def _shares(whole: Decimal, parts: Sequence[Decimal], currency: str) -> list[Decimal]:
    """The whole shared by the parts' values; a part below zero leaves its share to the others."""
    places = decimals(currency)
    fine = max((-int(part.as_tuple().exponent) for part in parts), default=0)
    weights = [max(int(part.scaleb(max(fine, 0))), 0) for part in parts]
    shares = share_out(int(whole.scaleb(places)), weights)
    return [Decimal(share).scaleb(-places) for share in shares]


def _rated(line: Line, eligible: Decimal) -> RatedLine:
    return made(RatedLine, **{**line.__dict__, "eligible": eligible})
