"""The warm worker: hears the bells, keeps standby runs, and keeps Prefect and the store in step."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
from prefect.exceptions import PrefectHTTPStatusError
from prefect.runtime import flow_run

from deployments.blocks import BlockSync, read_documents
from deployments.errands import run_errands
from deployments.limits import sync_limits
from deployments.patience import patient_client
from deployments.standby import Standby, ready_runs
from deployments.triggers import (
    TriggerDeployment,
    close_orphans,
    read_triggers,
    save_triggers,
    start_elsewhere,
)
from deployments.worker import HubWorker
from flows import coming_due, runtime
from flows.polling import polled
from flows.runtime import Hub
from loyalty.store import connections, deliveries, errands, inbox, polls, reward_ends, rulebook
from loyalty.store.database import StoreAway

logger = logging.getLogger(__name__)


def _soonest(*found: datetime | None) -> datetime | None:
    return min((one for one in found if one is not None), default=None)


AWAY = (httpx.HTTPError, PrefectHTTPStatusError, StoreAway, OSError)
"""What a loop survives: the Prefect server or PostgreSQL is away for a while."""


class WarmWorker:
    """Everything that one worker process does besides the runs themselves."""

    def __init__(self, hub: Hub, worker: HubWorker, ready_file: Path | None = None) -> None:
        self.hub = hub
        self.worker = worker
        self._ready_file = ready_file
        self.triggers: dict[str, TriggerDeployment] = {}
        self._standbys: dict[str, Standby] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._blocks = BlockSync(hub.database, hub.vault)
        self._errands: set[asyncio.Future[None]] = set()
        self._enrolled: set[str] = set()
        self._is_ready = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Works until told to stop, then lets the runs at work come to their end."""
        runtime.install(self.hub)
        self.hub.on_taken = self._taken
        async with patient_client(lambda: self.hub.is_stopping), self.worker:
            loops = [asyncio.create_task(loop) for loop in self._loops()]
            ready = asyncio.create_task(self._tell_ready())
            await stop.wait()
            self.hub.is_stopping = True
            ready.cancel()
            for task in (*loops, *self._keepers.values()):
                task.cancel()
            await asyncio.gather(*loops, *self._keepers.values(), return_exceptions=True)
            await asyncio.gather(*(one.stop() for one in self._standbys.values()))
            await self.worker.let_finish(seconds=15)

    async def _tell_ready(self) -> None:
        """Tells the supervisor, once a run of each trigger stands by."""
        while not self._standbys or not all(one.waiting for one in self._standbys.values()):
            await asyncio.sleep(0.05)
        self._is_ready.set()
        if self._ready_file is not None:
            self._ready_file.touch()

    def _loops(self) -> list[Coroutine[None, None, None]]:
        every = self._every
        return [
            every(3.0, "telling that it lives", self.hub.beat),
            every(1.0, "looking for work", self._look),
            every(2.0, "running errands", self._run_errands),
            every(2.0, "reading the deployments", self._follow_deployments),
            every(4.0, "reading the credentials", self._follow_blocks),
            every(4.0, "reading the limits", self._follow_limits),
            every(10.0, "closing runs of dead workers", self._close_orphans),
            every(10.0, "releasing parked events", self._release_ready),
            every(3.0, "polling for scheduled runs", self._poll),
            every(3.0, "stopping cancelled runs", self.worker.follow_cancellations),
            every(30.0, "reporting to Prefect", self.worker.sync_with_backend),
            self._listen(),
        ]

    async def _every(
        self, seconds: float, doing: str, work: Callable[[], Awaitable[object]]
    ) -> None:
        is_failing = False
        while True:
            try:
                await work()
                if is_failing:
                    logger.info("%s works again", doing)
                is_failing = False
            except AWAY as error:
                if not is_failing:
                    logger.warning("%s has to wait: %s", doing, type(error).__name__)
                is_failing = True
            except Exception:
                logger.exception("%s failed", doing)
            await asyncio.sleep(seconds)

    # --- work ----------------------------------------------------------------------------------

    async def _look(self) -> None:
        """The safety net under NOTIFY: rings for whatever waits."""
        now = self.hub.clock()
        asked = sorted(polled(self.hub))
        async with self.hub.database.begin() as connection:
            waiting = await inbox.waiting(connection, now=now)
            due = _soonest(
                await deliveries.next_due(connection, now=now),
                await coming_due.next_due(connection, now=now),
            )
            if not self._enrolled.issuperset(asked):
                await polls.enrol(connection, asked, now=now)
                self._enrolled.update(asked)
            is_due = await polls.is_due(connection, asked, now=now, alive=self.hub.patience())
        for trigger in waiting:
            await self._ring(trigger)
        if due is not None and due <= now:
            await self._ring("deliver")
        if is_due:
            await self._ring("reconcile")

    async def _ring(self, trigger: str) -> None:
        deployment = self.triggers.get(trigger)
        if deployment is None or deployment.work_pool == self.hub.settings.work_pool:
            self.hub.bells.of(trigger).ring()
        elif not deployment.is_paused:
            await start_elsewhere(self.worker.client, deployment, now=self.hub.clock())

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                logger.warning("the bell is silent for a moment: %s", type(error).__name__)
            await asyncio.sleep(0.5)

    async def _hear(self) -> None:
        url = self.hub.database.url.replace("postgresql+asyncpg://", "postgresql://")
        link = await asyncpg.connect(url)
        gone = asyncio.Event()
        link.add_termination_listener(lambda _: gone.set())
        try:
            await link.add_listener(inbox.BELL, self._heard_events)
            await link.add_listener(connections.BELL, self._heard_connections)
            await link.add_listener(rulebook.BELL, self._heard_rulebook)
            await link.add_listener(polls.BELL, self._heard_polls)
            await link.add_listener(errands.BELL, self._heard_errands)
            await self._look()
            await gone.wait()
        finally:
            await link.close(timeout=2)

    def _heard_events(self, _link: object, _pid: int, _channel: str, payload: object) -> None:
        for trigger in str(payload).split(","):
            deployment = self.triggers.get(trigger)
            if deployment is None or deployment.work_pool == self.hub.settings.work_pool:
                self.hub.bells.of(trigger).ring()

    def _heard_polls(self, *_: object) -> None:
        deployment = self.triggers.get("reconcile")
        if deployment is None or deployment.work_pool == self.hub.settings.work_pool:
            self.hub.bells.of("reconcile").ring()

    def _heard_errands(self, *_: object) -> None:
        self._later(self._run_errands())

    async def _run_errands(self) -> None:
        """Starts the runs that were asked for, and takes them up at once."""
        if await run_errands(self.hub, self.worker.client):
            await self._poll()

    def _heard_connections(self, *_: object) -> None:
        self._later(self._connections_changed())

    def _heard_rulebook(self, *_: object) -> None:
        self._later(self.hub.refresh_rulebook())

    async def _connections_changed(self) -> None:
        await self.hub.clients.refresh()
        await self._ring("deliver")

    def _later(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(self._guarded(work))
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except AWAY as error:
            logger.warning("a change is taken over later: %s", type(error).__name__)

    # --- in step with Prefect -------------------------------------------------------------------

    async def _follow_deployments(self) -> None:
        self.triggers = await read_triggers(self.worker.client)
        await save_triggers(self.hub, self.triggers, now=self.hub.clock())
        for trigger, deployment in self.triggers.items():
            is_ours = deployment.work_pool == self.hub.settings.work_pool
            standby = self._standbys.get(trigger)
            if standby is not None and (not is_ours or standby.deployment_id != deployment.id):
                self._keepers.pop(trigger).cancel()
                await self._standbys.pop(trigger).stop()
            if is_ours and trigger not in self._standbys:
                self._start_standby(trigger, deployment.id)

    def _start_standby(self, trigger: str, deployment_id: UUID) -> None:
        # A poll takes seconds and nobody waits for it: one run that stands by is enough.
        wanted = ready_runs(trigger, self.hub.settings)
        standby = Standby(self.hub, self.worker, trigger, deployment_id, wanted=wanted)
        self._standbys[trigger] = standby
        self._keepers[trigger] = asyncio.create_task(standby.keep())

    def _taken(self, trigger: str) -> None:
        standby = self._standbys.get(trigger)
        if standby is not None and flow_run.id:
            standby.taken(UUID(flow_run.id))

    async def _follow_blocks(self) -> None:
        documents = await read_documents(self.worker.client)
        changed = await self._blocks.sync(documents, now=self.hub.clock())
        if changed:
            logger.info("took over the credentials of %s", ", ".join(changed))
            await self._follow_limits()

    async def _follow_limits(self) -> None:
        await sync_limits(
            self.worker.client,
            self.hub.database,
            sorted(self.hub.clients.stored),
            now=self.hub.clock(),
        )

    async def _close_orphans(self) -> None:
        # Events that wait for a run come before runs that wait for their end.
        await self._is_ready.wait()
        await close_orphans(self.worker.client, self.hub, self.worker.at_work)

    async def _release_ready(self) -> None:
        async with self.hub.database.begin() as connection:
            await inbox.release_ready(connection)
            await reward_ends.tell_all(connection, now=self.hub.clock())

    async def _poll(self) -> None:
        await self.worker.get_and_submit_flow_runs()
