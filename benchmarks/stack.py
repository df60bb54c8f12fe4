"""The whole hub for a benchmark: three rules, a Shopify connection, three custom webhooks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.senders import SHOP
from deployments.supervise import Supervisor
from loyalty.programme import MilestonePlan, Programme
from loyalty.settings import HubSettings
from loyalty.store import rulebook
from loyalty.store.database import Database

PARTNERS = ("sms", "crm", "slack")

RULES: list[dict[str, Any]] = [
    {
        "id": "points",
        "on": ["order.paid"],
        "when": ["order.total >= 50"],
        "then": [
            {"award": {"points": "floor(order.total)"}},
            *(
                {
                    "call_webhook": {
                        "connection": f"webhook/{name}",
                        "name": "points.earned",
                        "values": {"points": "result.points", "balance": "result.balance"},
                    }
                }
                for name in PARTNERS
            ),
        ],
    },
    {
        "id": "starter-kit",
        "on": ["order.paid"],
        "when": ['any(l.sku == "STARTER-KIT-01" for l in order.lines)'],
        "then": [{"award": {"points": "100"}}],
    },
    {
        "id": "milestone",
        "on": ["milestone.reached"],
        "then": [{"award": {"points": "50"}}],
    },
]


@dataclass
class Stack:
    """A running hub and its sink."""

    settings: HubSettings
    supervisor: Supervisor
    sink_port: int

    @property
    def database_url(self) -> str:
        """The hub's database."""
        return self.supervisor.hub_url

    def processes(self) -> list[psutil.Process]:
        """Every process of the hub: gateway, worker, Prefect, PostgreSQL with its back ends."""
        found: list[psutil.Process] = []
        pids = [child.process.pid for child in self.supervisor.children.values() if child.process]
        assert self.supervisor.postgres is not None
        for pid in [*pids, self.supervisor.postgres.pid]:
            root = psutil.Process(pid)
            found += [root, *root.children(recursive=True)]
        return found

    def cpu_seconds(self) -> dict[str, float]:
        """User and system time so far, by part."""
        used: dict[str, float] = {}
        for name, root in self._roots().items():
            for process in [root, *root.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    times = process.cpu_times()
                    used[name] = used.get(name, 0) + times.user + times.system
        return used

    def memory_mb(self) -> dict[str, float]:
        """Proportional set size by part: shared pages are counted once."""
        used: dict[str, float] = {}
        for name, root in self._roots().items():
            for process in [root, *root.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    used[name] = used.get(name, 0) + process.memory_full_info().pss / 1e6
        return used

    def _roots(self) -> dict[str, psutil.Process]:
        roots = {
            name: psutil.Process(child.process.pid)
            for name, child in self.supervisor.children.items()
            if child.process
        }
        assert self.supervisor.postgres is not None
        return {**roots, "postgres": psutil.Process(self.supervisor.postgres.pid)}

    def seen(self) -> list[tuple[float, str, str]]:
        """What came to the sink: when, at which path, for which event."""
        found = httpx.get(f"http://127.0.0.1:{self.sink_port}/seen", timeout=60).json()
        return [(at, path, event) for at, path, event in found]

    def forget(self) -> None:
        """Empties the sink's notes."""
        httpx.post(f"http://127.0.0.1:{self.sink_port}/forget")


@contextlib.contextmanager
def running() -> Iterator[Stack]:
    """A hub in a home of its own, ready for load."""
    ports = [_free_port() for _ in range(4)]
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as home:
        settings = HubSettings(
            home=Path(home), port=ports[0], prefect_port=ports[1], sandbox_port=ports[2]
        )
        os.environ |= {
            "HUB_HOME": home,
            "HUB_PORT": str(ports[0]),
            "HUB_PREFECT_PORT": str(ports[1]),
        }
        supervisor = Supervisor(settings, lambda line: print(f"  {line}", file=sys.stderr))
        sink = subprocess.Popen([sys.executable, "-m", "benchmarks.sink", str(ports[3])])
        try:
            supervisor.start()
            stack = Stack(settings, supervisor, ports[3])
            asyncio.run(_configure(stack))
            yield stack
        finally:
            supervisor.stop()
            sink.kill()
            sink.wait()


async def _configure(stack: Stack) -> None:
    from connectors.shopify.credentials import ShopifyCredentials
    from connectors.webhook.credentials import WebhookCredentials
    from connectors.webhook.sandbox import SANDBOX_ACCOUNT
    from deployments.limits import read_limits
    from rules import RuleSet

    database = Database(stack.database_url)
    now = datetime.now(UTC)
    rules = RuleSet.from_documents(RULES)
    programme = Programme(milestones=(MilestonePlan(id="every-500", every=500),))
    async with database.begin() as connection:
        await rulebook.activate(
            connection, rules.version, rules.documents(), author="bench", reason="", now=now
        )
        await rulebook.save_programme(connection, programme, now=now)
    await ShopifyCredentials(**SHOP).save("main", overwrite=True)
    for name in PARTNERS:
        fields = {
            **SANDBOX_ACCOUNT,
            "url": f"http://127.0.0.1:{stack.sink_port}/{name}",
            "allow_private_network": True,
        }
        await WebhookCredentials(**fields).save(name, overwrite=True)
    await _raise_limits(read_limits)
    await database.aclose()


async def _raise_limits(read_limits: Any) -> None:
    """The partners of the workload have no limit of their own: the machine is what is measured."""
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            names = [n for n in await read_limits(client) if n.startswith("limit:webhook")]
            if len(names) == len(PARTNERS):
                break
            await asyncio.sleep(0.5)
        for name in names:
            await client.upsert_global_concurrency_limit_by_name(
                name, limit=10_000, slot_decay_per_second=10_000
            )
    await asyncio.sleep(6)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port
