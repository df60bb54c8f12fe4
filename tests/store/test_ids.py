"""Identifiers sort as they were made, also many at one instant and when the clock steps back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from loyalty.store.ids import new_id

NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)


def test_ten_thousand_of_one_instant_are_in_order_and_differ() -> None:
    made = [new_id(NOW) for _ in range(10_000)]
    assert made == sorted(set(made))


def test_a_clock_that_steps_back_does_not_turn_the_order() -> None:
    first = new_id(NOW)
    assert new_id(NOW - timedelta(days=1)) > first


def test_they_are_version_7_of_the_rfc_4122_variant() -> None:
    made = new_id(NOW + timedelta(days=1))
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
