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
