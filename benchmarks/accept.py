"""How many signed webhooks a second are accepted and durable, and how fast they are acknowledged.

    python -m benchmarks.accept [--clients 1,8,32] [--requests 20000] [--json]

Load generator, gateway and embedded PostgreSQL are a process each, on the same machine. Beside
the gateway's figures stands what the bare database does in the same run: rows of 5 KB inserted
one per transaction by eight clients, and a hundred per transaction by one.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import asyncpg
import orjson
import psutil
import uvloop
from pydantic import SecretStr

from benchmarks.senders import SHOP, connector, order
from connectors.kit.webhook import InboundRequest, Source
from loyalty.store import connections
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database
from loyalty.store.embedded import HUB_DATABASE, EmbeddedPostgres
from loyalty.store.migrate import migrate
from loyalty.store.vault import Vault

ROOT = Path(__file__).parents[1]
TARGET_PER_SECOND = 3000
TARGET_P99_MS = 50.0
_COMMITS = "hub_commit_requests_count "


async def prepare(url: str, home: Path) -> None:
    """Migrates the database and puts the shop's connection into it."""
    database = Database(url)
    await migrate(database)
    sealed = Vault.of(home, SecretStr("")).seal(SHOP)
    stored = StoredConnection("shopify", "bench", "active", "", sealed, "bench")
    async with database.begin() as connection:
        await connections.put(connection, stored, now=datetime.now(UTC))
    await database.aclose()


@contextmanager
def gateway(url: str, home: Path) -> Iterator[tuple[int, psutil.Process]]:
    """The gateway as a process of its own: its port, and the process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environment = {
        **os.environ,
        "HUB_HOME": str(home),
        "HUB_DATABASE_URL": url,
        "HUB_PORT": str(port),
    }
    process = subprocess.Popen([sys.executable, "-m", "gateway.serve"], cwd=ROOT, env=environment)
    try:
        _await_ready(f"http://127.0.0.1:{port}/readyz")
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _await_ready(address: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the gateway did not become ready within 30 seconds")


class Meter:
    """CPU seconds of gateway and PostgreSQL, and the commits of the gateway, since it was made."""

    def __init__(self, port: int, gateway: psutil.Process, server: EmbeddedPostgres) -> None:
        self._port = port
        self._gateway = gateway
        self._server = server
        self._before = self._read()

    def _read(self) -> tuple[float, float, float]:
        assert self._server.pid is not None
        postmaster = psutil.Process(self._server.pid)
        trees = [postmaster, *postmaster.children(recursive=True)]
        return _cpu(self._gateway), sum(_cpu(one) for one in trees), self._commits()

    def _commits(self) -> float:
        """As the gateway counts them: PostgreSQL's own counter has every listener's wake-up too."""
        with urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return next(float(one.split()[1]) for one in lines if one.startswith(_COMMITS))

    def read(self, result: dict[str, Any]) -> dict[str, Any]:
        """The result of a run with its costs."""
        gateway_cpu, database_cpu, commits = (
            after - before for after, before in zip(self._read(), self._before, strict=True)
        )
        count = result["requests"]
        return {
            **result,
            "gateway_cpu_ms": gateway_cpu / count * 1000,
            "postgres_cpu_ms": database_cpu / count * 1000,
            "commits_per_second": commits / result["seconds"],
            "requests_per_commit": count / max(commits, 1),
            "gateway_rss_mb": self._gateway.memory_info().rss / 1e6,
        }


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def load(port: int, clients: int, count: int, first: int) -> dict[str, Any]:
    """One run of the load generator, in a process of its own."""
    plan = {
        "host": "127.0.0.1",
        "port": port,
        "path": "/hooks/shopify/bench",
        "clients": clients,
        "count": count,
        "first": first,
    }
    command = [sys.executable, "-m", "benchmarks.senders", json.dumps(plan)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def bare_limit(url: str, count: int) -> dict[str, float]:
    """Rows of 5 KB a second: one per commit with eight clients, and a hundred per commit."""
    pool = await asyncpg.create_pool(url, min_size=8, max_size=8)
    await pool.execute(
        "create table bench_rows (id bigint generated always as identity primary key,"
        " key text not null unique, body bytea not null)"
    )
    await pool.execute("alter table bench_rows alter column body set storage external")
    body = os.urandom(5000)
    numbers = iter(range(count))

    async def single() -> None:
        async with pool.acquire() as connection:
            insert = await connection.prepare("insert into bench_rows (key, body) values ($1, $2)")
            for number in numbers:
                await insert.fetch(f"single-{number}", body)

    started = time.perf_counter()
    await asyncio.gather(*(single() for _ in range(8)))
    one_each = count / (time.perf_counter() - started)
    started = time.perf_counter()
    for group in range(count // 100):
        await pool.execute(
            "insert into bench_rows (key, body)"
            " select * from unnest(cast($1 as text[]), cast($2 as bytea[]))",
            [f"group-{group}-{number}" for number in range(100)],
            [body] * 100,
        )
    grouped = count / (time.perf_counter() - started)
    await pool.close()
    return {"single_rows_8_clients": one_each, "grouped_by_100": grouped}


def yardsticks() -> dict[str, float]:
    """Microseconds of this machine for the work that no receiver is spared, on the same body.

    The figures of two machines, or of a quiet and a busy hour, are compared by these.
    """
    webhook, account = connector()
    request = InboundRequest("POST", "http://bench", {}, order(1), datetime.now(UTC))
    headers = {"x-shopify-topic": "orders/paid", **webhook.sign(request, account)}
    request = replace(request, headers=headers)
    payload = webhook.decode(request.body)
    source = Source("shopify", "bench")
    trigger = webhook.triggers["orders/paid"]
    event = trigger.parse(payload, request, source)[0]
    secret = SHOP["client_secret"].encode()
    return {
        "hmac": _microseconds(lambda: hmac.digest(secret, request.body, "sha256")),
        "orjson": _microseconds(lambda: orjson.loads(request.body)),
        "verify": _microseconds(lambda: webhook.verify(request, account)),
        "decode": _microseconds(lambda: webhook.decode(request.body)),
        "parse": _microseconds(lambda: trigger.parse(payload, request, source)),
        "write": _microseconds(lambda: event.data.model_dump_json()),
    }


def _microseconds(work: Callable[[], object]) -> float:
    rounds = [timeit.timeit(work, number=300) / 300 for _ in range(7)]
    return statistics.median(rounds) * 1e6


def measure(clients: list[int], requests: int) -> dict[str, Any]:
    """All figures, on a database of their own that is thrown away."""
    sticks = yardsticks()
    home = Path(tempfile.mkdtemp(prefix="hub-bench-"))
    server = EmbeddedPostgres(home)
    server.start()
    try:
        server.create_databases()
        url = server.url(HUB_DATABASE)
        asyncio.run(prepare(url, home))
        with gateway(url, home) as (port, process):
            idle_rss = process.memory_info().rss / 1e6
            load(port, 8, 1000, 0)
            runs, first = [], 1000
            for one in clients:
                count = max(1000, min(requests, requests * one // 32 + 2000))
                meter = Meter(port, process, server)
                runs.append(meter.read(load(port, one, count, first)))
                first += count
        bare = uvloop.run(bare_limit(url, 12_000))
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
    return {
        "runs": runs,
        "bare_database": bare,
        "gateway_idle_rss_mb": idle_rss,
        "yardsticks_us": sticks,
    }


def report(figures: dict[str, Any]) -> None:
    """The figures for people."""
    print(
        f"{'clients':>7} {'accepted/s':>10} {'p50 ms':>7} {'p99 ms':>7} {'gateway CPU':>11} "
        f"{'PostgreSQL CPU':>14} {'commits/s':>9} {'per commit':>10} {'RSS MB':>6}  answers"
    )
    for run in figures["runs"]:
        print(
            f"{run['clients']:>7} {run['per_second']:>10.0f} {run['p50_ms']:>7.2f} "
            f"{run['p99_ms']:>7.2f} {run['gateway_cpu_ms']:>8.3f} ms "
            f"{run['postgres_cpu_ms']:>11.3f} ms {run['commits_per_second']:>9.0f} "
            f"{run['requests_per_commit']:>10.1f} {run['gateway_rss_mb']:>6.0f}  {run['statuses']}"
        )
    sticks = figures["yardsticks_us"]
    print(
        "the same body on this machine: "
        + ", ".join(f"{name} {value:.1f} µs" for name, value in sticks.items())
    )
    bare = figures["bare_database"]
    last = max(figures["runs"], key=lambda run: int(run["clients"]))
    print(
        f"bare database: {bare['single_rows_8_clients']:.0f} rows/s one per commit with 8 clients,"
        f" {bare['grouped_by_100']:.0f} rows/s by the hundred"
    )
    print(
        f"accepted with {last['clients']} clients: "
        f"{last['per_second'] / bare['single_rows_8_clients']:.2f} of the bare database's "
        f"single-row commits; target {TARGET_PER_SECOND}/s with p99 below {TARGET_P99_MS:g} ms"
    )


def main() -> None:
    """Measures and prints; exits 1 where a webhook was not accepted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", default="1,8,32", help="comma-separated")
    parser.add_argument("--requests", type=int, default=20_000, help="at 32 clients")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure([int(one) for one in options.clients.split(",")], options.requests)
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        report(figures)
    if any(set(run["statuses"]) != {"202"} for run in figures["runs"]):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
