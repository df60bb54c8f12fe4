"""Bounds how often something is done, in the memory of one process."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime, timedelta
from hashlib import sha256

MINUTE = timedelta(minutes=1)


class Pace:
    """At most so many times a minute for each key; the keys used last are remembered.

    It keeps a process from being kept busy, and is no lock: what must not happen twice is a
    unique key in the database.
    """

    def __init__(self, *, per_minute: int, keys: int = 10_000) -> None:
        self._per_minute = per_minute
        self._keys = keys
        self._times: OrderedDict[bytes, deque[datetime]] = OrderedDict()

    def may(self, key: str, *, now: datetime) -> bool:
        """Whether it may be done once more now; if so, it is counted."""
        print_of = sha256(key.encode("utf-8", "replace")).digest()
        times = self._times.setdefault(print_of, deque())
        self._times.move_to_end(print_of)
        if len(self._times) > self._keys:
            self._times.popitem(last=False)
        while times and times[0] <= now - MINUTE:
            times.popleft()
        if len(times) >= self._per_minute:
            return False
        times.append(now)
        return True
