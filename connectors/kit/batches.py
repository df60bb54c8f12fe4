"""Calls of many at once, within what a vendor takes in one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def in_batches(
    items: Iterable[T], length: Callable[[T], int], *, most: int, most_bytes: int
) -> Iterator[list[T]]:
    """The items in their order, in as few batches as fit.

    Args:
        length: Bytes that an item adds to the body, as the client writes it.
        most: Items in a batch.
        most_bytes: Bytes in a batch; a longer item goes alone, for the vendor to refuse.
    """
    batch: list[T] = []
    size = 0
    for one in items:
        added = length(one)
        if batch and (len(batch) == most or size + added > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += added
    if batch:
        yield batch
