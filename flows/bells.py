"""Wakes the runs of this process: by NOTIFY at once, by a look into the tables every second.

A trigger under load is worked off by one run at a time in a process, which takes in what
arrives meanwhile; a standby run is woken only where none is at work.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field


@dataclass(slots=True)
class Bell:
    """One trigger's bell.

    Attributes:
        is_busy: A run is at work and will look again when rung.
        is_held: The deployment is paused: rings are kept for later.
    """

    is_busy: bool = False
    is_held: bool = False
    rung: asyncio.Event = field(default_factory=asyncio.Event)
    waiters: list[asyncio.Future[bool]] = field(default_factory=list)

    def ring(self) -> None:
        """Says that there is work."""
        self.rung.set()
        self._wake()

    def hold(self, is_held: bool) -> None:
        """Pauses or resumes the trigger; what was rung meanwhile counts when it resumes."""
        self.is_held = is_held
        self._wake()

    def _wake(self) -> None:
        if self.is_held or self.is_busy or not self.rung.is_set():
            return
        for waiter in self.waiters:
            if not waiter.done():
                # It is at work from now on, not only when its turn of the loop comes: a second
                # ring in between must not wake another one.
                self._take()
                waiter.set_result(True)
                return

    async def stand_by(self, seconds: float) -> bool:
        """Waits for work, and takes it up: the caller is busy now. False after the time."""
        if not (self.is_held or self.is_busy) and self.rung.is_set():
            self._take()
            return True
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.waiters.append(waiter)
        try:
            return await asyncio.wait_for(waiter, seconds)
        except TimeoutError:
            return _was_woken(waiter)
        except asyncio.CancelledError:
            if _was_woken(waiter):
                self.rung.set()
                self.release()
            raise
        finally:
            self.waiters.remove(waiter)

    def dismiss(self) -> None:
        """Sends away everybody who stands by: the process stops, or the trigger moves."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(False)

    def _take(self) -> None:
        self.is_busy = True
        self.rung.clear()

    async def linger(self, seconds: float) -> bool:
        """For the busy run: waits a moment for more work. False when none came."""
        if self.is_held:
            return False
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.rung.wait(), seconds)
        was_rung = self.rung.is_set() and not self.is_held
        if was_rung:
            self.rung.clear()
        return was_rung

    def release(self) -> None:
        """The busy run has ended; if there is work left, another one is woken."""
        self.is_busy = False
        self._wake()


def _was_woken(waiter: asyncio.Future[bool]) -> bool:
    return waiter.done() and not waiter.cancelled() and waiter.result()


@dataclass(slots=True)
class Bells:
    """The bells of all triggers."""

    by_trigger: dict[str, Bell] = field(default_factory=dict)

    def of(self, trigger: str) -> Bell:
        """The bell of a trigger."""
        return self.by_trigger.setdefault(trigger, Bell())
