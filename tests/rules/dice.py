"""Choices made from bytes, so that hypothesis and atheris can drive the same writers.

Where the bytes end, every choice is the first one: writers put their shortest way there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Decides by the bytes it is given, one or two for each choice."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left to decide by."""
        return self._at >= len(self._data)

    def turned(self) -> Dice:
        """The same bytes from behind, for what is decided apart."""
        return Dice(self._data[::-1])

    def below(self, limit: int) -> int:
        """A number from 0 up to the limit, which is left out."""
        width = 1 if limit <= 256 else 2
        part = self._data[self._at : self._at + width]
        self._at += width
        return int.from_bytes(part, "big") % limit

    def pick(self, options: Sequence[T]) -> T:
        """One of several."""
        return options[self.below(len(options))]
