"""A pass rings so often within a window, and its edge is exact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from loyalty.lifecycle_policy import WalletQuota
from loyalty.wallet import may_notify, still_counting

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(hours=24)


def test_what_rang_exactly_a_day_ago_counts_no_more() -> None:
    quota = WalletQuota(max_notifications=1, hours=24)
    assert may_notify([NOON - DAY], quota, NOON)
    assert not may_notify([NOON - DAY + timedelta(microseconds=1)], quota, NOON)


@given(st.lists(st.integers(0, 500_000), max_size=60), st.integers(0, 4))
def test_no_window_of_a_day_has_more_than_the_quota(seconds: list[int], most: int) -> None:
    quota = WalletQuota(max_notifications=most, hours=24)
    rang: list[datetime] = []
    for at in sorted(NOON + timedelta(seconds=one) for one in seconds):
        if may_notify(rang, quota, at):
            rang = [*still_counting(rang, quota, at), at]
        assert len([one for one in rang if one > at - DAY]) <= most
