"""Exact money: a Decimal with its currency's number of decimals (ISO 4217), never a float."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Annotated

from babel.numbers import get_currency_precision, list_currencies
from pydantic import BeforeValidator, PlainSerializer

MAX_AMOUNT = Decimal(10) ** 13
"""Larger amounts are refused: no shop sells for ten trillion, but a typo or an attack does."""

_KNOWN = frozenset(list_currencies())
_WHOLE = Decimal(1)
_CENT = Decimal("0.01")


class MoneyError(ValueError):
    """An amount or a currency that cannot be trusted; the message says which and why."""


def _exact(value: object) -> Decimal:
    if type(value) is str and len(value) <= _USUAL_LENGTH:
        return _read_once(value)
    return _checked(value)


def _checked(value: object) -> Decimal:
    if isinstance(value, float):
        raise ValueError("amounts come as text or integers, never as floats")
    if not isinstance(value, (str, int, Decimal)) or isinstance(value, bool):
        raise ValueError("an amount is a decimal number such as '19.99'")
    try:
        amount = value if type(value) is Decimal else Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{str(value)[:40]!r} is not an amount") from None
    if not amount.is_finite() or not -MAX_AMOUNT <= amount <= MAX_AMOUNT:
        raise ValueError("the amount is out of range")
    # as_tuple() spells out every digit, so the two usual scales are recognised without it.
    is_usual = amount.same_quantum(_CENT) or amount.same_quantum(_WHOLE)
    if not is_usual and -int(amount.as_tuple().exponent) > 12:
        raise ValueError("the amount has more than 12 decimals")
    return amount


_USUAL_LENGTH = 20
"""Longer texts are rare, and memory of them would be for whoever sends them."""

# An order has some twenty amounts, most of them zero or a price of the shop's.
_read_once = lru_cache(maxsize=4096)(_checked)


Amount = Annotated[Decimal, BeforeValidator(_exact), PlainSerializer(str, when_used="json")]
"""A finite Decimal in major units. Reads text, integers and Decimals; writes text in JSON."""


def check_currency(code: str) -> str:
    """The upper-case ISO 4217 code, or MoneyError with the code that is not known."""
    upper = code.strip().upper()
    if upper not in _KNOWN:
        raise MoneyError(f"unknown currency {code[:12]!r}: use an ISO 4217 code such as EUR")
    return upper


@lru_cache(maxsize=512)
def decimals(currency: str) -> int:
    """How many decimals the currency's smallest unit has (ISO 4217: JPY 0, EUR 2, KWD 3)."""
    return get_currency_precision(currency)


@lru_cache(maxsize=512)
def _quantum(currency: str) -> Decimal:
    return Decimal(1).scaleb(-decimals(currency))


def check_scale(amount: Decimal, currency: str) -> Decimal:
    """The amount at the currency's scale, or MoneyError where it has more decimals than that."""
    quantum = _quantum(currency)
    if amount.same_quantum(quantum):
        return amount
    exact = amount.quantize(quantum)
    if exact != amount:
        raise MoneyError(
            f"{amount} {currency} has more decimals than {currency} has ({decimals(currency)})"
        )
    return exact


def rounded(amount: Decimal, currency: str) -> Decimal:
    """The amount at the currency's scale, halves away from zero, as shops round.

    For shops whose tax and unit prices have more decimals than their currency; where there
    should be none, `check_scale` refuses them.
    """
    return amount.quantize(_quantum(currency), ROUND_HALF_UP)


def check_scales(amounts: Iterable[Decimal], currency: str) -> None:
    """Raises MoneyError where one of them has more decimals than the currency."""
    usual = _quantum(currency)
    for amount in amounts:
        if not (amount.same_quantum(_WHOLE) or amount.same_quantum(usual)):
            check_scale(amount, currency)


def from_minor(minor: int, currency: str, *, provider: str = "") -> Decimal:
    """Major units of an amount that a provider counts in its smallest unit.

    The scale belongs to the provider and the currency: Stripe keeps ISK and UGX at two
    decimals for old clients (Stripe, "Supported currencies"); Square follows ISO 4217.
    """
    code = check_currency(currency)
    places = 2 if provider == "stripe" and code in {"ISK", "UGX"} else decimals(code)
    major = Decimal(minor).scaleb(-places)
    return check_scale(major, code)
