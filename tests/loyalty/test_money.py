"""Money is exact, in a known currency, at its scale."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from loyalty.money import (
    Amount,
    MoneyError,
    check_currency,
    check_scale,
    decimals,
    from_minor,
    rounded,
)

AMOUNTS: TypeAdapter[Decimal] = TypeAdapter(Amount)


@pytest.mark.parametrize("value", ["19.99", "0", "-5", 7, Decimal("0.000000000001"), "1e2", 10**13])
def test_text_integers_and_decimals_are_amounts(value: Any) -> None:
    assert AMOUNTS.validate_python(value) == Decimal(value)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (19.99, "never as floats"),
        (True, "a decimal number"),
        (None, "a decimal number"),
        ("ten", "'ten' is not an amount"),
        ("", "is not an amount"),
        ("NaN", "out of range"),
        ("Infinity", "out of range"),
        ("10000000000000.01", "out of range"),
        ("1e999999", "out of range"),
        ("1e-13", "more than 12 decimals"),
    ],
)
def test_anything_else_is_refused(value: Any, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        AMOUNTS.validate_python(value)


def test_a_text_that_was_read_before_is_read_the_same_way() -> None:
    """Equal amounts of different scales are told apart, and what was refused stays refused."""
    texts = ["1", "1.0", "1.00", "-0.00", "0.00"]
    first = [str(AMOUNTS.validate_python(text)) for text in texts]
    assert first == [str(AMOUNTS.validate_python(text)) for text in texts] == texts
    for _ in range(2):
        with pytest.raises(ValidationError, match="is not an amount"):
            AMOUNTS.validate_python("1,00")


def test_json_has_amounts_as_text() -> None:
    assert AMOUNTS.dump_json(Decimal("19.90")) == b'"19.90"'
    assert AMOUNTS.validate_json('"19.90"') == Decimal("19.90")
    with pytest.raises(ValidationError, match="never as floats"):
        AMOUNTS.validate_json("19.90")


@pytest.mark.parametrize(("code", "places"), [("EUR", 2), ("JPY", 0), ("KWD", 3), ("ISK", 0)])
def test_a_currency_has_its_number_of_decimals(code: str, places: int) -> None:
    assert decimals(check_currency(f" {code.lower()} ")) == places


def test_an_unknown_currency_is_refused() -> None:
    with pytest.raises(MoneyError, match="unknown currency 'EURO'"):
        check_currency("EURO")


@pytest.mark.parametrize(
    ("amount", "currency", "exact"),
    [("5", "EUR", "5.00"), ("5.10", "EUR", "5.10"), ("500", "JPY", "500")],
)
def test_an_amount_is_brought_to_scale(amount: str, currency: str, exact: str) -> None:
    assert str(check_scale(Decimal(amount), currency)) == exact


def test_a_finer_amount_than_the_currency_has_is_refused() -> None:
    with pytest.raises(MoneyError, match=r"5\.001 EUR has more decimals than EUR has \(2\)"):
        check_scale(Decimal("5.001"), "EUR")


@pytest.mark.parametrize(
    ("amount", "currency", "whole"),
    [
        ("5.005", "EUR", "5.01"),
        ("5.0049", "EUR", "5.00"),
        ("-5.005", "EUR", "-5.01"),
        ("499.5", "JPY", "500"),
        ("5", "KWD", "5.000"),
    ],
)
def test_halves_are_rounded_away_from_zero(amount: str, currency: str, whole: str) -> None:
    assert str(rounded(Decimal(amount), currency)) == whole


@pytest.mark.parametrize(
    ("minor", "currency", "provider", "major"),
    [
        (50000, "ISK", "stripe", "500"),
        (500, "ISK", "square", "500"),
        (500, "JPY", "stripe", "500"),
        (5000, "KWD", "stripe", "5.000"),
        (1999, "usd", "square", "19.99"),
        (-1999, "USD", "", "-19.99"),
    ],
)
def test_minor_units_follow_provider_and_currency(
    minor: int, currency: str, provider: str, major: str
) -> None:
    assert str(from_minor(minor, currency, provider=provider)) == major


@given(st.integers(-(10**15), 10**15), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_minor_units_are_converted_without_loss(minor: int, currency: str) -> None:
    assert from_minor(minor, currency).scaleb(decimals(currency)) == minor
