"""One hub for the session, as `hub up --sandboxes` starts it: real processes, real ports.

The system tests and the browser tests share it; `tests/conftest.py` makes the fixtures known.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import pytest_asyncio

from loyalty.settings import HubSettings
from loyalty.store.database import Database

PROJECT = Path(__file__).resolve().parents[1]
START_SECONDS = 180


@dataclass
class RunningHub:
    """A hub in a home of its own, with every vendor connected to its sandbox."""

    home: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    settings: HubSettings
    blocks: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def database_url(self) -> str:
        """The hub's own database."""
        return (self.home / "database.url").read_text("utf-8").strip()

    def pid(self, name: str) -> int:
        """The process id of `gateway`, `worker-1`, `prefect`, `sandboxes` or `postgres`."""
        if name == "postgres":
            return int((self.home / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        return int(json.loads((self.home / "processes.json").read_text())[name])

    def kill(self, name: str) -> int:
        """`kill -9` of one process; the supervisor starts it again. Returns the old id."""
        old = self.pid(name)
        os.kill(old, signal.SIGKILL)
        return old

    def output(self) -> str:
        """What `hub up` said."""
        return (self.home / "up.log").read_text("utf-8", "replace")

    def log(self, name: str) -> str:
        """The log of one process."""
        return (self.home / "logs" / f"{name}.log").read_text("utf-8", "replace")


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now, below those that the system gives to outgoing connections:
    between this and the server's start, one of them could have been given away."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(15_000, 30_000)
        with socket.socket() as probe:
            if port not in found and probe.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
    return found


def start_hub(home: Path, **extra: str) -> RunningHub:
    """Starts `hub up --sandboxes` in a home and waits until it is up."""
    names = ["PORT", "PREFECT_PORT", "SANDBOX_PORT", "SANDBOX_SMTP_PORT"]
    ports = {f"HUB_{name}": str(p) for name, p in zip(names, free_ports(4), strict=True)}
    environment = {"HUB_HOME": str(home), "DO_NOT_TRACK": "1", **ports, **extra}
    settings = HubSettings(
        home=home, **{k.removeprefix("HUB_").lower(): int(v) for k, v in ports.items()}
    )
    hub = RunningHub(home, environment, _up(home, environment), settings)
    _wait_until_up(hub)
    return hub


def start_again(hub: RunningHub) -> None:
    """Starts a hub that has ended, in the same home."""
    hub.process = _up(hub.home, hub.environment)
    _wait_until_up(hub)


def _up(home: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with (home / "up.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-c", "from deployments.cli import main; main()", "up", "--sandboxes"],
            env={**os.environ, **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=PROJECT,
            start_new_session=True,
        )


def _wait_until_up(hub: RunningHub) -> None:
    end = time.monotonic() + START_SECONDS
    while "Ctrl-C stops it" not in hub.output():
        if hub.process.poll() is not None or time.monotonic() > end:
            pytest.fail(f"the hub did not come up:\n{hub.output()}")
        time.sleep(0.1)


def stop_hub(hub: RunningHub) -> None:
    """Stops it as an impatient person does, with Ctrl-C twice; nothing is left behind."""
    processes = psutil.Process(hub.process.pid).children(recursive=True)
    hub.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    hub.process.send_signal(signal.SIGINT)
    try:
        hub.process.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(hub.process.pid, signal.SIGKILL)
        raise
    _, left = psutil.wait_procs(processes, timeout=5)
    assert [" ".join(one.cmdline()) for one in left] == []


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """The session's hub, with a connection `main` to every vendor's sandbox."""
    running = start_hub(tmp_path_factory.mktemp("system"))
    code = (
        "import asyncio\n"
        "from deployments.demo.stage import set_stage\n"
        "from flows.runtime import database_url\n"
        "from loyalty.settings import HubSettings\n"
        "from loyalty.store.database import Database\n"
        "async def go():\n"
        "    settings = HubSettings()\n"
        "    await set_stage(settings, Database(database_url(settings)))\n"
        "asyncio.run(go())\n"
    )
    prefect = {
        "PREFECT_API_URL": running.settings.prefect_api_url,
        "PREFECT_HOME": str(running.home / "prefect"),
    }
    try:
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **running.environment, **prefect},
            cwd=PROJECT,
            check=True,
        )
        yield running
    finally:
        stop_hub(running)


@pytest_asyncio.fixture
async def books(hub: RunningHub) -> AsyncIterator[Database]:
    """The running hub's database."""
    database = Database(hub.database_url)
    yield database
    await database.aclose()


@pytest_asyncio.fixture
async def api(hub: RunningHub) -> AsyncIterator[httpx.AsyncClient]:
    """The running hub's Prefect API."""
    async with httpx.AsyncClient(base_url=hub.settings.prefect_api_url, timeout=30) as client:
        yield client


Until = Callable[[Callable[[], Awaitable[Any]], float], Awaitable[Any]]


async def until(question: Callable[[], Awaitable[Any]], seconds: float) -> Any:
    """The first answer that is true, asked again and again; the test fails after the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := await question():
            return answer
        await asyncio.sleep(0.1)
    pytest.fail(f"not within {seconds:.0f} s: {question}")
