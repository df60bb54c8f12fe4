"""Exact and bounded arithmetic: decimals of 60 digits, quotients of 28, nothing above 1e99.

A sum or a product of money is exact by a wide margin; only a quotient such as 10 / 3 is
rounded (half even, at 28 digits). See https://docs.python.org/3/library/decimal.html.
"""

from __future__ import annotations

import decimal
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

_TRAPS = [decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow]
EXACT = decimal.Context(prec=60, Emax=99, Emin=-99, traps=_TRAPS)
QUOTIENT = decimal.Context(prec=28, Emax=99, Emin=-99, traps=_TRAPS)

# Bound once: finding a method of a context takes as long as adding.
ADD = EXACT.add
MULTIPLY = EXACT.multiply

Number = int | Decimal

MAX_LITERAL = Decimal(10) ** 15
MAX_PLACES = 12
_LITERAL = re.compile(r"(?:\d+(?:_\d+)*(?:\.\d*)?|\.\d+)")

OPERATORS: dict[str, Callable[[Any, Any], Decimal]] = {
    "+": ADD,
    "-": EXACT.subtract,
    "*": MULTIPLY,
    "/": QUOTIENT.divide,
    "%": EXACT.remainder,
}


def problem_of(error: decimal.DecimalException) -> str:
    """Why there is no result, in words."""
    if isinstance(error, (decimal.DivisionByZero, decimal.DivisionUndefined)):
        return "division by zero"
    return "the number is out of range"


def read_number(segment: str) -> Decimal | None:
    """The exact value of a number as it was written; None where it is not written plainly."""
    if not _LITERAL.fullmatch(segment) or len(segment) > 40:
        return None
    value = Decimal(segment)
    return value if fits_literal(value) else None


def fits_literal(value: Decimal) -> bool:
    """Whether a number may stand in a rule: below a quadrillion, at most twelve decimals."""
    if not value.is_finite() or abs(value) > MAX_LITERAL:
        return False
    return -int(value.as_tuple().exponent) <= MAX_PLACES


def round_to(value: Number, places: Number, rounding: str) -> Number:
    """The number at so many decimals, rounded in one of the ways of `decimal`."""
    if isinstance(value, int):
        return value
    if places == 0:
        return value.to_integral_value(rounding)
    quantum = Decimal(1).scaleb(-int(places))
    return value.quantize(quantum, rounding=rounding, context=EXACT)


def plain(value: Number) -> Number:
    """The same number without an exponent: an int where it is whole and written so."""
    if isinstance(value, int):
        return value
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        return value
    return int(value) if exponent >= 0 else value if value else abs(value)


def written(value: Number) -> str:
    """A number as people write it: 1000, 79.90, never 1E+3 nor -0."""
    text = str(value)
    if "E" in text:
        text = format(value, "f")
    return text[1:] if text[0] == "-" and not value else text
