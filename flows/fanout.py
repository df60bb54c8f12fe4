"""Sends side by side: one Prefect task per connection, fed while the run is still booking.

Prefect's task shows the sending and does not hold it up: to begin a task run takes several
milliseconds of the event loop that the calls share, so the first calls go out before it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Self

from prefect import task
from prefect.cache_policies import NO_CACHE

from flows.runtime import Hub
from flows.sending import Sender, Trouble
from loyalty.store.deliveries import Delivery

HEAD_START_SECONDS = 0.25
"""How long the first calls of a connection may go on before Prefect is told of its task."""


@dataclass(slots=True)
class FanOut:
    """The senders of one run, one for each connection that has something to send.

    Use it as an asynchronous context: leaving it waits until everything is sent or parked.
    """

    hub: Hub
    senders: dict[str, Sender] = field(default_factory=dict)
    sending: dict[str, asyncio.Task[Counter[str]]] = field(default_factory=dict)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def feed(self, planned: Sequence[Delivery]) -> None:
        """Hands deliveries that are leased to this process to their senders."""
        for delivery in planned:
            if delivery.state == "pending":
                self._sender(delivery.route).queue.put_nowait(delivery)

    def _sender(self, slug: str) -> Sender:
        if slug not in self.senders:
            sender = self.senders[slug] = Sender(self.hub, slug)
            self.sending[slug] = asyncio.create_task(sender.run())
            self.tasks.append(asyncio.create_task(self._run(slug)))
        return self.senders[slug]

    async def _run(self, slug: str) -> None:
        """Shows the sending through a connection in Prefect, to its end; it ends in any case."""
        _CURRENT.set(self)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEAD_START_SECONDS):
                    await self.senders[slug].begun.wait()
            await send_through.with_options(task_run_name=f"send through {slug}")(slug)
        finally:
            await asyncio.wait({self.sending[slug]})

    @property
    def counts(self) -> Counter[str]:
        """How many deliveries ended in which state so far."""
        return sum((one.counts for one in self.senders.values()), Counter())

    @property
    def troubles(self) -> list[Trouble]:
        """What operations should hear of."""
        return [trouble for one in self.senders.values() for trouble in one.troubles]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for sender in self.senders.values():
            sender.queue.put_nowait(None)
        if kind is asyncio.CancelledError:
            self._wind_up()
        try:
            await self._all_ended()
        except asyncio.CancelledError:
            self._wind_up()
            await self._all_ended()
            raise

    def _wind_up(self) -> None:
        """The run was cancelled: calls under way come to their end, nothing else is begun."""
        for sender in self.senders.values():
            sender.is_winding_up = True

    async def _all_ended(self) -> None:
        """Waits for every sender, also where one failed; then says so.

        What was handed to one that had failed already is given back.
        """
        if self.tasks:
            await asyncio.wait(self.tasks)
        for sender in self.senders.values():
            await sender.let_go([])
        for ended in self.tasks:
            await ended


_CURRENT: ContextVar[FanOut] = ContextVar("fan_out")


@task(name="send", cache_policy=NO_CACHE, persist_result=False)
async def send_through(connection: str) -> dict[str, int]:
    """Sends what this run has for one connection; answers how many ended in which state."""
    return dict(await _CURRENT.get().sending[connection])
