"""Identifiers made by the writer: UUID version 7 (RFC 9562), ordered as they were made."""

from __future__ import annotations

import random
import secrets
import threading
from datetime import datetime
from uuid import UUID

_SEQUENCE_BITS = 12
_MILLIS = (1 << 48) - 1
_PLACE = (1 << _SEQUENCE_BITS) - 1
_VERSION_AND_VARIANT = (7 << 76) | (2 << 62)


class _Clock:
    """The last millisecond and place in it, so that no identifier sorts before an earlier one.

    More than 4,096 in a millisecond run ahead of the clock, as RFC 9562 (6.2) allows.
    """

    def __init__(self) -> None:
        self._random = random.Random(secrets.randbits(256))
        self._lock = threading.Lock()
        self._last = 0
        self._now: datetime | None = None

    def tick(self, now: datetime) -> int:
        """The next place: the instant's milliseconds and a count within them."""
        with self._lock:
            place = self._last + 1
            # A transaction has one `now` for all that it makes: it is read once.
            if now is not self._now:
                self._now = now
                place = max(int(now.timestamp() * 1000) << _SEQUENCE_BITS, place)
            self._last = place
            return place

    def noise(self) -> int:
        return self._random.getrandbits(62)


_clock = _Clock()


def new_id(now: datetime) -> UUID:
    """A UUID v7 of the instant, later than every other of this process."""
    place = _clock.tick(now)
    millis = (place >> _SEQUENCE_BITS) & _MILLIS
    value = millis << 80 | _VERSION_AND_VARIANT | (place & _PLACE) << 64 | _clock.noise()
    return UUID(int=value)
