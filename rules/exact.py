"""Exact numbers of points: decimals where they end, fractions where they do not."""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import cache

from loyalty.policies import Rounding
from rules.language.arithmetic import ADD, EXACT, QUOTIENT

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


@cache
def rounding_to(scale: int, mode: Rounding) -> Callable[[Exact], int]:
    """What makes whole smallest units of points as people count them, which are never negative.

    Args:
        scale: How many decimals of a point the smallest unit is.
        mode: How the rest is rounded.
    """
    if scale == 0 and mode == "floor":  # Nothing is below zero, so cutting off rounds down.
        return int
    whole_fraction, whole_decimal = _OF_FRACTIONS[mode], _MODES[mode]

    def rounded(value: Exact) -> int:
        # Not isinstance of Fraction: its abstract base makes that a slow question.
        if not isinstance(value, Decimal):
            return whole_fraction(value * 10**scale)
        return int(EXACT.scaleb(value, scale).to_integral_value(whole_decimal))

    return rounded


def settled(value: Fraction) -> Exact:
    """The number as a decimal where it ends within reach, else as it is."""
    quotient = QUOTIENT.divide(Decimal(value.numerator), Decimal(value.denominator))
    return quotient if Fraction(quotient) == value else value


def add(one: Exact, other: Exact) -> Exact:
    """The exact sum."""
    try:
        return ADD(one, other)  # type: ignore[arg-type]
    except TypeError:  # One of them is a fraction.
        return Fraction(one) + Fraction(other)


def as_decimal(value: Exact) -> Decimal:
    """The number for storage: exact, or at 28 digits where it never ends."""
    if isinstance(value, Decimal):
        return value
    return QUOTIENT.divide(Decimal(value.numerator), Decimal(value.denominator))
