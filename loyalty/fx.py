"""Exchange rates: what an order in another currency is worth in the programme's.

An order keeps the rate of its own day for good: its edits and refunds are reckoned with it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING

from loyalty.money import decimals
from loyalty.occasions import zone_of
from loyalty.policies import Rounding

if TYPE_CHECKING:
    from loyalty.programme import Programme

MAX_AGE_DAYS = 7
"""A day without a rate takes the latest before it, but none older than this."""

ONE = Decimal(1)
EXACT = Context(prec=80)
MODES: dict[Rounding, str] = {
    "floor": ROUND_FLOOR,
    "ceil": ROUND_CEILING,
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
}


def rate_on(programme: Programme, currency: str, at: datetime) -> Decimal | None:
    """What one unit of a currency is worth on the local day of an instant.

    Returns:
        1 for the programme's own currency; None where no rate of that day or the
        `MAX_AGE_DAYS` before it is known.
    """
    code = currency.upper()
    if code == programme.currency.upper():
        return ONE
    known = programme.fx.get(code, {})
    if not known:
        return None
    day = at.astimezone(zone_of(programme.zone, "UTC")).date()
    for back in range(MAX_AGE_DAYS + 1):
        found = known.get(day - timedelta(days=back))
        if found is not None:
            return found
    return None


def convert(amount: Decimal, rate: Decimal, *, currency: str, rounding: Rounding) -> Decimal:
    """The amount times the rate, rounded once to the scale of the currency it is now in."""
    exact = EXACT.multiply(amount, rate)
    return exact.quantize(ONE.scaleb(-decimals(currency)), rounding=MODES[rounding], context=EXACT)
