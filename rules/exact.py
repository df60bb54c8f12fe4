"""Exact numbers of points: decimals where they end, fractions where they do not."""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from loyalty.policies import Rounding
from rules.language.arithmetic import EXACT, QUOTIENT

Exact = Decimal | Fraction

_HALF = Fraction(1, 2)

_MODES = {
    "floor": decimal.ROUND_FLOOR, "ceil": decimal.ROUND_CEILING,
    "half_up": decimal.ROUND_HALF_UP, "half_even": decimal.ROUND_HALF_EVEN,
}  # fmt: skip
_OF_FRACTIONS: dict[str, Callable[[Fraction], int]] = {
    "floor": math.floor, "ceil": math.ceil, "half_up": lambda one: math.floor(one + _HALF),
    "half_even": round,
}  # fmt: skip


def in_units(value: Exact, scale: int, mode: Rounding) -> int:
    """A number of points that is not negative, as whole smallest units.

    Args:
        value: Points as people count them.
        scale: How many decimals of a point the smallest unit is.
        mode: How the rest is rounded.
    """
    # Not isinstance of Fraction: its abstract base makes that a slow question.
    if not isinstance(value, Decimal):
        return _OF_FRACTIONS[mode](value * 10**scale)
    exact = EXACT.scaleb(value, scale) if scale else value
    if mode == "floor":  # What is earned is never negative, so cutting off rounds down.
        return int(exact)
    return int(exact.to_integral_value(_MODES[mode]))


def settled(value: Fraction) -> Exact:
    """The number as a decimal where it ends within reach, else as it is."""
    quotient = QUOTIENT.divide(Decimal(value.numerator), Decimal(value.denominator))
    return quotient if Fraction(quotient) == value else value


def add(one: Exact, other: Exact) -> Exact:
    """The exact sum."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return EXACT.add(one, other)
    return Fraction(one) + Fraction(other)


def as_decimal(value: Exact) -> Decimal:
    """The number for storage: exact, or at 28 digits where it never ends."""
    if isinstance(value, Decimal):
        return value
    return QUOTIENT.divide(Decimal(value.numerator), Decimal(value.denominator))
