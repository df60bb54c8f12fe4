"""A second worker beside that of the running hub, as on another machine of the same hub."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil

from deployments.child import PID_BEFORE
from tests.running_hub import PROJECT, RunningHub, until


@asynccontextmanager
async def another_worker(
    hub: RunningHub, **settings: str
) -> AsyncIterator[subprocess.Popen[bytes]]:
    """Runs it while the context is open, and sees that it ends in order."""
    ready = hub.home / "another.ready"
    ready.unlink(missing_ok=True)
    environment = psutil.Process(hub.pid("worker-1")).environ()
    environment.pop(PID_BEFORE, None)
    environment |= {"HUB_WORKER_READY": str(ready), **settings}
    with (hub.home / "logs" / "another.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "deployments.work"],
            env=environment,
            cwd=PROJECT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        await until(lambda: asyncio.to_thread(ready.exists), 60)
        yield process
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 40)


def name_of(process: subprocess.Popen[bytes], names: set[str]) -> str:
    """The name under which a worker works: host, process id, start."""
    return next(name for name in names if name.split(":")[1] == str(process.pid))
