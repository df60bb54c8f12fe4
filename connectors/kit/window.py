"""A sandbox's rate limit: so many calls in so many seconds, counted as the vendors count."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable


class Window:
    """Lets `calls` pass in any `seconds`; `take` says how long the next one has to wait.

    Args:
        calls: 0 means no limit.
        clock: Monotonic seconds.
    """

    def __init__(
        self, calls: int, seconds: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._calls = calls
        self._seconds = seconds
        self._clock = clock
        self._taken: deque[float] = deque()

    def take(self) -> float:
        """0.0 where the call may pass, otherwise the seconds until one may."""
        if not self._calls:
            return 0.0
        now = self._clock()
        while self._taken and self._taken[0] <= now - self._seconds:
            self._taken.popleft()
        if len(self._taken) >= self._calls:
            return self._taken[0] + self._seconds - now
        self._taken.append(now)
        return 0.0


class Bucket:
    """A leaky bucket: holds `size` calls and lets `per_second` run out of it.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(
        self, size: int, per_second: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._size = size
        self._per_second = per_second
        self._clock = clock
        self._level = 0.0
        self._at = clock()

    def take(self) -> float:
        """0.0 where the call fits in, otherwise the seconds until one does."""
        now = self._clock()
        self._level = max(self._level - (now - self._at) * self._per_second, 0.0)
        self._at = now
        if self._level + 1 > self._size:
            return (self._level + 1 - self._size) / self._per_second
        self._level += 1
        return 0.0
