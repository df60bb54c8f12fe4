"""`python -m deployments.work`: one warm worker process.

The event loop runs beside the main thread: Prefect's engine takes over SIGTERM wherever a flow
runs in the main thread, and a worker of many runs must end all of them in order.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from pathlib import Path

import uvloop
from prefect.client.orchestration import get_client

from deployments.child import PID_BEFORE
from deployments.warm import WarmWorker
from deployments.worker import HubWorker
from flows.runtime import open_hub
from loyalty.settings import HubSettings
from loyalty.store import workers


async def prefect_answers(stop: asyncio.Event) -> bool:
    """Waits for the Prefect server, which starts beside the worker; False when told to stop."""
    async with get_client() as client:
        while not stop.is_set():
            if await client.api_healthcheck() is None:
                return True
            await asyncio.sleep(0.1)
    return False


async def work(settings: HubSettings, stop: asyncio.Event) -> None:
    """Opens the runtime and works until told to stop."""
    if not await prefect_answers(stop):
        return
    hub = await open_hub(settings)
    if pid := os.environ.get(PID_BEFORE):
        async with hub.database.begin() as connection:
            await workers.bury(connection, f"{hub.owner.partition(':')[0]}:{pid}:")
    worker = HubWorker(
        work_pool_name=settings.work_pool,
        name=hub.owner,
        prefetch_seconds=0,
        heartbeat_interval_seconds=30,
    )
    try:
        ready = os.environ.get("HUB_WORKER_READY")
        await WarmWorker(hub, worker, Path(ready) if ready else None).run(stop)
    finally:
        await hub.aclose()


class _Loop(threading.Thread):
    """The event loop beside the main thread."""

    def __init__(self, settings: HubSettings) -> None:
        super().__init__(name="loop")
        self._settings = settings
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                self._loop = runner.get_loop()
                self._ending = asyncio.Event()
                runner.run(work(self._settings, self._ending))
        except BaseException as error:  # noqa: BLE001 - the main thread reports and exits
            self.failure = error

    def end(self) -> None:
        """Asks the loop to stop."""
        if self._loop is not None and self._ending is not None:
            self._loop.call_soon_threadsafe(self._ending.set)


def main() -> int:
    """Runs a worker until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    loop = _Loop(HubSettings())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.end())
    loop.start()
    while loop.is_alive():
        loop.join(0.5)
    if loop.failure is not None:
        logging.getLogger(__name__).error("the worker ended", exc_info=loop.failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
