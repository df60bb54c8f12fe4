"""Values of jobs in requests: every digit arrives, or the job is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kit.errors import InvalidRequest
from connectors.kit.values import (
    as_text,
    decimals_as_text,
    json_number,
    json_value,
    json_value_or_text,
)

TOO_LONG: tuple[Any, ...] = (
    Decimal("0.12345678901234567891"),
    Decimal("123456789012345678.5"),
    2**53 + 1,
    Decimal(2**53 + 1),
    10**25 + 1,
    Decimal("1e400"),
    Decimal("1e-400"),
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("-Infinity"),
)


@given(st.one_of(st.decimals(), st.decimals(places=2), st.integers()))
def test_what_is_sent_reads_back_the_same_in_both_writers_or_is_refused(
    value: int | Decimal,
) -> None:
    """As readers with doubles read it, and as those that keep each digit do."""
    try:
        found = json_number(value, "points")
    except InvalidRequest:
        return
    for written in (orjson.dumps(found).decode(), json.dumps(found)):
        assert Decimal(written) == value
        assert Decimal(repr(float(written))) == value


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4))
def test_money_of_any_size_that_is_paid_is_never_refused(value: Decimal) -> None:
    assert Decimal(str(json_number(value, "amount"))) == value


@pytest.mark.parametrize("value", TOO_LONG, ids=repr)
def test_a_number_that_would_lose_digits_is_refused_by_its_name(value: int | Decimal) -> None:
    for write in (json_number, json_value):
        with pytest.raises(InvalidRequest, match=r"'points' has more digits .* round it"):
            write(value, "points")


@pytest.mark.parametrize("value", TOO_LONG, ids=repr)
def test_where_text_will_do_it_is_sent_with_all_its_digits(value: int | Decimal) -> None:
    found = json_value_or_text(value)
    assert isinstance(found, str)
    assert found == f"{Decimal(value):f}"


def test_whole_numbers_stay_whole() -> None:
    for value in (Decimal("480.00"), Decimal("1E+3"), Decimal("-0"), 2**53):
        found = json_number(value, "points")
        assert type(found) is int
        assert found == value


@pytest.mark.parametrize("value", ["7", "", True, False, None], ids=repr)
def test_what_is_no_number_stays_what_it_is(value: Any) -> None:
    assert json_value(value, "name") is value
    assert json_value_or_text(value) is value
    assert decimals_as_text(value) is value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        ("Ada", "Ada"),
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-7"), "0.0000001"),
    ],
    ids=repr,
)
def test_text_has_no_exponent_and_no_capital_true(value: Any, text: str) -> None:
    assert as_text(value) == text


def test_decimals_alone_become_text() -> None:
    assert (decimals_as_text(Decimal("12.50")), decimals_as_text(12)) == ("12.50", 12)
