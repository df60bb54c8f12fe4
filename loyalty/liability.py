"""What outstanding points are worth: the liability at an instant, and revenue to be deferred.

After IFRS 15 (revenue from contracts with customers): points are a right that the customer has
paid for with the goods, so their share of the price, by relative stand-alone selling prices, is
earned only when they are spent or lapse. Money is rounded half to even, at the currency's scale.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from loyalty.money import decimals
from loyalty.points import Balance
from loyalty.policies import ReportPolicy


@dataclass(frozen=True, slots=True)
class Liability:
    """Points that people hold at an instant, and what they cost.

    Attributes:
        outstanding: Points that can be spent, those held at a checkout among them.
        pending: Points that can be spent later.
        owed: Points that members owe; they lessen nobody else's, so they are kept apart.
        gross: The cost of outstanding and pending points, were all of them spent.
        expected: The cost of the share that is expected to be spent.
    """

    at: datetime
    currency: str
    outstanding: int
    pending: int
    owed: int
    gross: Decimal
    expected: Decimal


@dataclass(frozen=True, slots=True)
class Deferred:
    """An order's price, parted into what is revenue now and what its points put off."""

    deferred: Decimal
    recognised: Decimal


def liability(
    balances: Iterable[Balance],
    policy: ReportPolicy,
    *,
    at: datetime,
    currency: str,
    unit_scale: int = 0,
) -> Liability:
    """The liability of these balances, one of each member, read at the instant.

    Args:
        unit_scale: Decimals of a point (`Programme.unit_scale`); balances count units.
    """
    outstanding = pending = owed = 0
    for one in balances:
        outstanding += max(one.available, 0) + one.held
        owed += max(-one.available, 0)
        pending += one.pending
    with localcontext(prec=60):
        points = Decimal(outstanding + pending).scaleb(-unit_scale)
        gross = points * policy.cost_per_point
        expected = gross * policy.expected_redemption
    return Liability(
        at=at,
        currency=currency,
        outstanding=outstanding,
        pending=pending,
        owed=owed,
        gross=_money(gross, currency),
        expected=_money(expected, currency),
    )


def deferred_revenue(
    order_total: Decimal,
    points: Decimal | int,
    *,
    value_per_point: Decimal,
    expected_redemption: Decimal,
    currency: str,
) -> Deferred:
    """Parts an order's price between the goods and the points earned with it.

    The goods' stand-alone price is the order's total; that of the points is what they are
    worth, as far as they are expected to be spent. Both parts add up to the total exactly.
    """
    if order_total < 0 or points < 0:
        raise ValueError("deferred revenue is reckoned of totals and points that are not negative")
    with localcontext(prec=60):
        worth = points * value_per_point * expected_redemption
        whole = order_total + worth
        deferred = _money(order_total * worth / whole if whole else Decimal(0), currency)
    return Deferred(deferred, _money(order_total, currency) - deferred)


def _money(amount: Decimal, currency: str) -> Decimal:
    with localcontext(prec=60):
        quantum = Decimal(1).scaleb(-decimals(currency))
        return amount.quantize(quantum, rounding=ROUND_HALF_EVEN)
