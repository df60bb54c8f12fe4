"""Identifiers made by the writer: UUID version 7 (RFC 9562), ordered as they were made."""

from __future__ import annotations

import random
import secrets
import threading
from datetime import datetime
from uuid import UUID

_SEQUENCE = 0x1000


class _Clock:
    """The last millisecond and place in it, so that no identifier sorts before an earlier one.

    More than 4,096 in a millisecond run ahead of the clock, as RFC 9562 (6.2) allows.
    """

    def __init__(self) -> None:
        self._random = random.Random(secrets.randbits(256))
        self._lock = threading.Lock()
        self._last = 0

    def tick(self, millis: int) -> int:
        with self._lock:
            self._last = max(millis * _SEQUENCE, self._last + 1)
            return self._last

    def noise(self) -> int:
        return self._random.getrandbits(62)


_clock = _Clock()


def new_id(now: datetime) -> UUID:
    """A UUID v7 of the instant, later than every other of this process."""
    millis, place = divmod(_clock.tick(int(now.timestamp() * 1000)), _SEQUENCE)
    value = ((millis & ((1 << 48) - 1)) << 80) | (7 << 76) | (place << 64) | (2 << 62)
    return UUID(int=value | _clock.noise())
