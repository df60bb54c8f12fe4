"""Many in one call: nothing is lost, nothing is moved, no call is larger than it may be."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from connectors.kit.batches import in_batches


@given(st.lists(st.integers(1, 50)), st.integers(1, 6), st.integers(1, 60))
def test_batches_keep_the_order_and_both_limits(
    lengths: list[int], most: int, most_bytes: int
) -> None:
    batches = list(in_batches(lengths, lambda one: one, most=most, most_bytes=most_bytes))
    assert [one for batch in batches for one in batch] == lengths
    assert all(1 <= len(batch) <= most for batch in batches)
    assert all(sum(batch) <= most_bytes or len(batch) == 1 for batch in batches)


@given(st.lists(st.integers(1, 50)), st.integers(1, 6), st.integers(1, 60))
def test_no_batch_would_have_taken_the_next_item(
    lengths: list[int], most: int, most_bytes: int
) -> None:
    batches = list(in_batches(lengths, lambda one: one, most=most, most_bytes=most_bytes))
    for batch, following in pairwise(batches):
        assert len(batch) == most or sum(batch) + following[0] > most_bytes
