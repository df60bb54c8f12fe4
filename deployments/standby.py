"""Standby runs: made from the deployment in advance, Running, waiting for the next batch.

No Prefect API call stands between an event and its effects, since the run exists already. One
that nothing reaches ends after a while and is removed, so that the UI shows work, not waiting.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Crashed, Pending, State

from deployments.worker import HubWorker
from flows.runtime import Hub
from loyalty.settings import HubSettings

logger = logging.getLogger(__name__)

STANDBY_TAG = "standby"
PAUSE_SECONDS = 0.5
"""How soon a run is made again when the Prefect server did not answer."""

STOP_SECONDS = 10.0
"""How long idle runs may take to end; what is left is closed by another worker."""


BUSY = ("orders", "refunds", "sign-ups", "milestones")
"""What comes in a rush: while one run works, the next has to stand by. Of the others one is
ready and the next is made when it is taken: every run that stands by costs Prefect something."""


def ready_runs(trigger: str, settings: HubSettings) -> int:
    """How many runs of a trigger stand by in each worker."""
    return settings.standby if trigger in BUSY else 1


@dataclass(slots=True)
class Standby:
    """Keeps runs ready for one trigger.

    Args:
        deployment_id: The deployment the runs are made from.
        wanted: How many are kept waiting.
    """

    hub: Hub
    worker: HubWorker
    trigger: str
    deployment_id: UUID
    wanted: int
    waiting: dict[UUID, asyncio.Task[None]] = field(default_factory=dict)
    unclosed: dict[UUID, State[Any]] = field(default_factory=dict)
    _taken: asyncio.Event = field(default_factory=asyncio.Event)
    _names: set[asyncio.Task[None]] = field(default_factory=set)

    async def keep(self) -> None:
        """Makes a run whenever fewer than wanted are waiting; ends by being cancelled."""
        while True:
            await self._close_what_is_open()
            while len(self.waiting) < self.wanted:
                await self._make()
            self._taken.clear()
            if self.unclosed:
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                await self._taken.wait()

    async def _make(self) -> None:
        making = asyncio.ensure_future(self._created())
        try:
            flow_run = await asyncio.shield(making)
        except (httpx.HTTPError, PrefectHTTPStatusError) as error:
            logger.warning("no run could be made for %s: %s", self.trigger, type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)
            return
        except asyncio.CancelledError:
            await self._unmake(making)
            raise
        self.waiting[flow_run.id] = asyncio.create_task(self._run(flow_run))

    async def _created(self) -> FlowRun:
        return await self.worker.client.create_flow_run_from_deployment(
            self.deployment_id,
            parameters={"wait_minutes": self.hub.settings.standby_minutes},
            state=Pending(message="Standing by for the next batch."),
            name=f"{self.trigger} standing by",
            tags=[STANDBY_TAG],
            labels={"prefect.worker.name": self.hub.owner},
            idempotency_key=f"standby:{uuid4()}",  # One run, though it be asked for twice.
        )

    async def _unmake(self, making: asyncio.Future[FlowRun]) -> None:
        """The process stops while a run is being made: nobody would ever take it up."""
        try:
            flow_run = await making
        except (httpx.HTTPError, PrefectHTTPStatusError):
            return
        await self._remove(flow_run.id)

    async def _run(self, flow_run: FlowRun) -> None:
        state: State[Any] | None = None
        try:
            state = await self.worker.run_in_process(flow_run)
        except Exception as error:
            logger.exception("a run of %s failed", self.trigger)
            message = f"The run could not be finished properly: {type(error).__name__}."
            self.unclosed[flow_run.id] = Crashed(message=message)
        finally:
            was_idle = self.waiting.pop(flow_run.id, None) is not None
            self._taken.set()
        if was_idle and state is not None and state.is_completed():
            await self._remove(flow_run.id)

    async def _remove(self, flow_run_id: UUID) -> None:
        try:
            await self.worker.client.delete_flow_run(flow_run_id)
        except ObjectNotFound:
            return
        except (httpx.HTTPError, PrefectHTTPStatusError):
            logger.warning("an idle run of %s could not be removed", self.trigger)

    def taken(self, flow_run_id: UUID) -> None:
        """A waiting run has taken up a batch: the next one is made, and this one named."""
        if self.waiting.pop(flow_run_id, None) is None:
            return
        self._taken.set()
        naming = asyncio.create_task(self._name(flow_run_id))
        self._names.add(naming)
        naming.add_done_callback(self._names.discard)

    async def _name(self, flow_run_id: UUID) -> None:
        stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        try:
            await self.worker.client.update_flow_run(
                flow_run_id, name=f"{self.trigger} {stamp}", tags=[]
            )
        except (httpx.HTTPError, PrefectHTTPStatusError):
            logger.warning("a run of %s keeps its standby name", self.trigger)

    async def _close_what_is_open(self) -> None:
        for flow_run_id, state in list(self.unclosed.items()):
            if await close_run(self.worker.client, flow_run_id, state):
                del self.unclosed[flow_run_id]

    async def stop(self) -> None:
        """Sends the waiting runs home, which removes them; those at work go on to their end."""
        end = time.monotonic() + STOP_SECONDS
        idle = set(self.waiting.values())
        while idle and time.monotonic() < end:
            # Again and again, since a run that was just made may not have reached the bell yet.
            self.hub.bells.of(self.trigger).dismiss()
            _, idle = await asyncio.wait(idle, timeout=0.2)


async def close_run(client: PrefectClient, flow_run_id: UUID, state: State[Any]) -> bool:
    """Gives a run its final state; False where the server did not answer."""
    try:
        await client.set_flow_run_state(flow_run_id, state, force=True)
    except ObjectNotFound:
        return True
    except (httpx.HTTPError, PrefectHTTPStatusError):
        return False
    return True
