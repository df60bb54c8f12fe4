"""What points cost, and how an order's price is parted; money at its scale, half to even."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.liability import deferred_revenue, liability
from loyalty.money import decimals
from loyalty.points import Balance
from loyalty.policies import ReportPolicy

NOW = datetime(2026, 1, 9, 11, tzinfo=UTC)


def test_pending_and_held_points_are_a_liability_and_debts_are_kept_apart() -> None:
    balances = [Balance(500, 150, 100), Balance(-70, 50, 0), Balance(0, 0, 0)]
    policy = ReportPolicy(cost_per_point="0.01", expected_redemption="0.80")
    found = liability(balances, policy, at=NOW, currency="USD")
    assert (found.outstanding, found.pending, found.owed) == (600, 200, 70)
    assert (str(found.gross), str(found.expected)) == ("8.00", "6.40")


@pytest.mark.parametrize(
    ("points", "scale", "cost", "currency", "gross"),
    [
        (99, 2, "1", "EUR", "0.99"),
        (5, 0, "0.005", "EUR", "0.02"),
        (7, 0, "0.005", "EUR", "0.04"),
        (3, 0, "0.5", "JPY", "2"),
        (5, 0, "0.5", "JPY", "2"),
        (1, 0, "0.0125", "KWD", "0.012"),
        (0, 0, "0.01", "EUR", "0.00"),
    ],
)
def test_money_has_the_decimals_of_its_currency(
    points: int, scale: int, cost: str, currency: str, gross: str
) -> None:
    policy = ReportPolicy(cost_per_point=cost)
    found = liability([Balance(points, 0, 0)], policy, at=NOW, currency=currency, unit_scale=scale)
    assert str(found.gross) == gross


@pytest.mark.parametrize(
    ("total", "points", "value", "expected", "currency", "deferred", "recognised"),
    [
        ("100.00", 1000, "0.01", "1.00", "USD", "9.09", "90.91"),
        ("100.00", 1000, "0.01", "0.80", "USD", "7.41", "92.59"),
        ("100.00", 0, "0.01", "1", "USD", "0.00", "100.00"),
        ("0.00", 1000, "0.01", "1", "USD", "0.00", "0.00"),
        ("0.00", 0, "0.01", "1", "USD", "0.00", "0.00"),
        ("1000", 100, "1", "1", "JPY", "91", "909"),
        ("1.000", 1, "0.001", "1", "KWD", "0.001", "0.999"),
    ],
)
def test_revenue_is_parted_by_what_each_part_costs_alone(
    total: str,
    points: int,
    value: str,
    expected: str,
    currency: str,
    deferred: str,
    recognised: str,
) -> None:
    found = deferred_revenue(
        Decimal(total),
        points,
        value_per_point=Decimal(value),
        expected_redemption=Decimal(expected),
        currency=currency,
    )
    assert (str(found.deferred), str(found.recognised)) == (deferred, recognised)


@given(
    cents=st.integers(0, 10**12),
    points=st.integers(0, 10**12),
    value=st.decimals("0", "100", places=6),
    share=st.decimals("0", "1", places=4),
)
def test_the_parts_are_the_whole(cents: int, points: int, value: Decimal, share: Decimal) -> None:
    total = Decimal(cents).scaleb(-2)
    found = deferred_revenue(
        total, points, value_per_point=value, expected_redemption=share, currency="EUR"
    )
    assert found.deferred + found.recognised == total
    assert 0 <= found.deferred <= total
    assert -int(found.recognised.as_tuple().exponent) == decimals("EUR")


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="not negative"):
        deferred_revenue(
            Decimal(-1),
            1,
            value_per_point=Decimal(1),
            expected_redemption=Decimal(1),
            currency="EUR",
        )
