"""The same deployments in a pool of processes: one line of prefect.yaml, and a worker of Prefect's.

The checkout is a fresh copy, deployed at a terminal as a newcomer does it, without a question.
"""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import yaml
from sqlalchemy import text

from deployments.demo.cast import AOIFE, KIT, DemoDay
from deployments.demo.shopify_payloads import customer, order
from loyalty.store.database import Database
from tests.running_hub import PROJECT, RunningHub, until
from tests.system.test_spine import send

pytestmark = [pytest.mark.prefect, pytest.mark.long]

POOL = "own-processes"
PACKAGES = ("connectors", "deployments", "flows", "gateway", "loyalty", "rules")
DEPLOYMENTS = yaml.safe_load((PROJECT / "prefect.yaml").read_text("utf-8"))["deployments"]
TRIGGERS = {one["name"] for one in DEPLOYMENTS if "trigger" in one["tags"]}


def prefect(hub: RunningHub, *arguments: str) -> str:
    """Runs a command of Prefect's CLI where nobody could answer."""
    done = subprocess.run(
        [sys.executable, "-m", "prefect", *arguments],
        cwd=PROJECT,
        env=_environment(hub),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def deploy_at_a_terminal(hub: RunningHub, cwd: Path) -> str:
    """`prefect deploy --all` where somebody could answer; a question would never be answered."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", "deploy", "--all"],
        cwd=cwd,
        env={k: v for k, v in _environment(hub).items() if k not in ("CI", "PREFECT_CLI_PROMPT")},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    killer = threading.Timer(120, process.kill)
    killer.start()
    said = b"".join(_read(ours))
    killer.cancel()
    os.close(ours)
    assert process.wait() == 0, said.decode("utf-8", "replace")
    return said.decode("utf-8", "replace")


def _read(terminal: int) -> Iterator[bytes]:
    """What is written to a terminal, until the other side has closed it (Linux: EIO)."""
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 65536):
            yield part


def _environment(hub: RunningHub) -> dict[str, str]:
    return {
        **os.environ,
        **hub.environment,
        "PREFECT_API_URL": hub.settings.prefect_api_url,
        "PREFECT_HOME": str(hub.home / "prefect"),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PYTHONWARNINGS": "ignore",
    }


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh checkout in which exactly one line differs: the name of the work pool."""
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=ignored)
    lines = (PROJECT / "prefect.yaml").read_text("utf-8").splitlines(keepends=True)
    (number,) = (n for n, line in enumerate(lines) if line == "    name: hub\n")
    lines[number] = f"    name: {POOL}\n"
    (tmp_path / "prefect.yaml").write_text("".join(lines), "utf-8")
    return tmp_path


@pytest.fixture
def worker(hub: RunningHub, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Prefect's own worker on a pool of type `process`."""
    prefect(hub, "work-pool", "create", POOL, "--type", "process")
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL]
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env=_environment(hub),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=tmp_path,
            start_new_session=True,
        )
    yield process
    process.terminate()
    process.wait(60)


@pytest_asyncio.fixture
async def moved(
    hub: RunningHub,
    api: httpx.AsyncClient,
    books: Database,
    checkout: Path,
    worker: subprocess.Popen[bytes],
) -> AsyncIterator[None]:
    """All deployments run in the pool of processes; afterwards they are back in the warm worker."""
    said = deploy_at_a_terminal(hub, checkout)
    assert said.count("successfully created") == len(DEPLOYMENTS)
    await until(lambda: _all_in(books, POOL), 20)
    yield
    await until(lambda: _at_rest(api), 120)
    prefect(hub, "deploy", "--all")
    await until(lambda: _all_in(books, hub.settings.work_pool), 20)
    (await api.delete(f"/work_pools/{POOL}")).raise_for_status()


async def _all_in(books: Database, pool: str) -> bool:
    async with books.begin() as connection:
        rows = await connection.execute(text("select name, work_pool from triggers"))
    return {row.name for row in rows if row.work_pool == pool} >= TRIGGERS


async def _runs(api: httpx.AsyncClient, *states: str) -> list[dict[str, Any]]:
    wanted: dict[str, Any] = {"work_pools": {"name": {"any_": [POOL]}}}
    if states:
        wanted["flow_runs"] = {"state": {"type": {"any_": states}}}
    reply = await api.post("/flow_runs/filter", json=wanted)
    found: list[dict[str, Any]] = reply.raise_for_status().json()
    return [one for one in found if "auto-scheduled" not in one["tags"]]


async def _at_rest(api: httpx.AsyncClient) -> bool:
    return not await _runs(api, "SCHEDULED", "PENDING", "RUNNING")


async def _booked(books: Database, ids: list[str]) -> list[Any] | None:
    """How the orders ended and in which run, once all have."""
    async with books.begin() as connection:
        rows = await connection.execute(
            text(
                "select state, run_id, outcome from inbox"
                " where type = 'order.paid' and key = any(:ids) and state <> 'waiting'"
            ),
            {"ids": ids},
        )
        found = rows.all()
    return list(found) if len(found) == len(ids) else None


@pytest.mark.timeout(400)
async def test_the_same_deployments_work_in_a_pool_of_processes(
    hub: RunningHub, books: Database, api: httpx.AsyncClient, moved: None
) -> None:
    day = DemoDay.of(datetime.now(UTC))
    assert await send(hub, "customers/create", customer(day, AOIFE)) == 202
    ids = []
    for n in range(9001, 9006):
        paid = order(day, n, [(KIT, 1)], at=day.at("9:00"), buyer=AOIFE)
        assert await send(hub, "orders/paid", paid) == 202
        ids.append(str(paid["id"]))

    rows = await until(lambda: _booked(books, ids), 120)
    assert [row.state for row in rows] == ["done"] * 5
    assert [row.outcome["points"] for row in rows] == [149] * 5
    runs = {one["id"]: one for one in await _runs(api)}
    assert {str(row.run_id) for row in rows} <= set(runs)
    assert await until(lambda: _at_rest(api), 120)
    ended = await _runs(api)
    assert {one["state_type"] for one in ended} == {"COMPLETED"}

    async def sent() -> bool:
        async with books.begin() as connection:
            open_ones = await connection.scalar(
                text(
                    "select count(*) from deliveries d join inbox e on e.id = d.event_id"
                    " where e.key = any(:ids) and d.state not in ('sent', 'suppressed')"
                ),
                {"ids": ids},
            )
        return open_ones == 0

    assert await until(sent, 60)


async def test_back_in_the_warm_worker_it_is_fast_again(hub: RunningHub, books: Database) -> None:
    day = DemoDay.of(datetime.now(UTC))
    paid = order(day, 9010, [(KIT, 1)], at=day.at("9:00"), buyer=AOIFE)
    assert await send(hub, "customers/create", customer(day, AOIFE)) == 202
    assert await send(hub, "orders/paid", paid) == 202
    assert await until(lambda: _booked(books, [str(paid["id"])]), 5)
