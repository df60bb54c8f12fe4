"""How a job's values are written into a vendor's request: with every digit, or not at all.

Vendors read JSON's numbers as doubles, which keep fifteen to seventeen digits and silently
round the rest. So a number goes out as a number only where its double reads back the same.
"""

from __future__ import annotations

from decimal import Decimal

from connectors.kit.capabilities import Scalar
from connectors.kit.errors import InvalidRequest

_EXACT_WHOLE = 2**53
"""Up to here a double keeps each whole number."""


def json_number(value: int | Decimal, what: str) -> int | float:
    """The value as a JSON number, for fields that take nothing else.

    Args:
        what: What it is the number of, for the message.

    Raises:
        InvalidRequest: It has more digits than a JSON number keeps.
    """
    found = _double(value)
    if found is None:
        raise InvalidRequest(
            f"the number for {what[:100]!r} has more digits than a JSON number keeps: "
            "round it to fifteen"
        )
    return found


def json_value(value: Scalar, what: str) -> str | int | float | bool | None:
    """The value as JSON has it, for fields that refuse a number written as text.

    Raises:
        InvalidRequest: It is a number with more digits than a JSON number keeps.
    """
    if value is None or isinstance(value, (str, bool)):
        return value
    return json_number(value, what)


def json_value_or_text(value: Scalar) -> str | int | float | bool | None:
    """The value as JSON has it; as text where that is a number that would lose digits."""
    if value is None or isinstance(value, (str, bool)):
        return value
    found = _double(value)
    return as_text(value) if found is None else found


def decimals_as_text(value: Scalar) -> str | int | bool | None:
    """The value as JSON has it, for vendors that want decimals as text."""
    return as_text(value) if isinstance(value, Decimal) else value


def as_text(value: Scalar) -> str:
    """The value as text: never an exponent, `true` and `false` in lower case, None empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _double(value: int | Decimal) -> int | float | None:
    exact = Decimal(value)
    if not exact.is_finite():
        return None
    if exact == exact.to_integral_value() and abs(exact) <= _EXACT_WHOLE:
        return int(exact)
    found = float(exact)
    return found if Decimal(repr(found)) == exact else None
