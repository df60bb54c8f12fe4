"""How long the import of a whole shop takes, at the pace that the vendor allows, and its memory.

The stand-in of Shopify runs as a process of its own and enforces the documented limit of its REST
API: a bucket of 40 calls of which two a second run out, 250 customers a page; a call too many is
answered 429 and counted. Nothing is sped up: 100,000 customers are 400 calls, which take at least
three minutes. Then everybody is lined up for a campaign, and 10,000 are invited.

Run: python -m benchmarks.import_customers [customers, 10000 where none is given]
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
import psutil
import uvicorn
from pydantic import SecretStr

from connectors.kit.registry import manifest
from connectors.shopify.sandbox import SANDBOX_ACCOUNT, ShopifySandbox
from flows.campaigns import line_up, work_off
from flows.clients import Clients
from flows.customer_import import Imported, import_customers
from flows.runtime import Hub
from flows.sending import budget_name
from loyalty.campaigns import CampaignPlan, CampaignState
from loyalty.links import Links
from loyalty.settings import HubSettings
from loyalty.store import budgets, campaigns, connections, rulebook, shop_customers, workers
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database
from loyalty.store.embedded import EmbeddedPostgres
from loyalty.store.migrate import migrate
from loyalty.store.vault import Vault
from rules.shipped import shipped_rules

SHOP = "shopify/main"
BEGAN = datetime(2024, 1, 1, tzinfo=UTC)
INVITED = 10_000


def main() -> None:
    """Starts a PostgreSQL and a shop of its own and prints the figures."""
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]), int(sys.argv[3]))
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as home:
        server = EmbeddedPostgres(Path(home))
        server.start()
        try:
            server.create_databases()
            server.psql("create database import_customers;")
            with shop(count) as base_url:
                asyncio.run(measure(server.url("import_customers"), Path(home), base_url, count))
        finally:
            server.stop()


def serve(port: int, count: int) -> None:
    """The shop, in a process of its own."""
    sandbox = ShopifySandbox(page_size=None)
    sandbox.resources["customers"] = [customer(number) for number in range(count)]
    uvicorn.run(sandbox.app(), host="127.0.0.1", port=port, log_level="error")


def customer(number: int) -> dict[str, Any]:
    """A customer as Shopify tells of them."""
    at = (BEGAN + timedelta(seconds=number)).isoformat()
    return {
        "id": 7_000_000 + number,
        "email": f"customer.{number}@shop.example",
        "first_name": f"Customer {number}",
        "last_name": "Berg",
        "created_at": at,
        "updated_at": at,
        "email_marketing_consent": {"state": "subscribed"},
    }


@contextlib.contextmanager
def shop(count: int) -> Iterator[str]:
    """Serves a shop with so many customers; its address."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.import_customers", "--serve"]
    process = subprocess.Popen([*command, str(port), str(count)])
    try:
        base_url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{base_url}/_sandbox/records", timeout=1)
                break
            asyncio.run(asyncio.sleep(0.1))
        yield base_url
    finally:
        process.terminate()
        process.wait(10)


async def measure(url: str, home: Path, base_url: str, count: int) -> None:
    """Imports, lines up, invites; prints what each took."""
    database = Database(url)
    await migrate(database)
    hub = await connected(database, home, base_url)
    before, started, peak = _memory(), perf_counter(), 0.0

    async def told(done: Imported) -> None:
        nonlocal peak
        peak = max(peak, _memory())

    done = await import_customers(hub, SHOP, told=told)
    took = perf_counter() - started
    refusals = httpx.get(f"{base_url}/_sandbox/records?kind=refused").json()
    print(f"import of {count:,} customers")
    print(f"  kept                {done.kept:>10,}   {done.problem or 'no problem'}")
    print(f"  pages               {done.pages:>10,}   429s: {len(refusals['records'])}")
    print(f"  time                {took:>10.1f} s   ({count / took:,.0f} customers a second)")
    print(f"  memory grew by      {max(peak - before, 0.0):>10.1f} MB")
    await invite(hub, count)
    await hub.clients.aclose()
    await database.aclose()


async def invite(hub: Hub, count: int) -> None:
    """Lines everybody up in one statement, and invites the first."""
    now = hub.clock()
    async with hub.database.begin() as connection:
        plan = CampaignPlan(name="Bench", points=100)
        await campaigns.create(connection, plan, by="bench", now=now)
        await campaigns.switch(connection, "Bench", CampaignState.ACTIVE, by="bench", now=now)
    started = perf_counter()
    new = await line_up(hub.database, "Bench", now=now)
    print(f"  lined up            {new:>10,}   in {perf_counter() - started:.1f} s")
    async with hub.database.begin() as connection:
        started = perf_counter()
        reach = await shop_customers.reach(connection, SHOP, "email")
    print(f"  counted             {reach.invitable:>10,}   in {perf_counter() - started:.1f} s")
    links = Links(hub.vault.derived("links"), "https://hub.example")
    most = min(INVITED, count)
    started, sent = perf_counter(), 0

    def enough() -> bool:
        return sent >= most

    async def told(done: Any) -> None:
        nonlocal sent
        sent = done.total

    await work_off(
        hub.database, "Bench", terms=hub.terms, links=links, progress=told, is_stopping=enough
    )
    took = perf_counter() - started
    print(f"  invited             {sent:>10,}   in {took:.1f} s ({sent / took:,.0f} a second)")


async def connected(database: Database, home: Path, base_url: str) -> Hub:
    """A worker with the shop connected and its budget as the manifest says."""
    vault, now = Vault.of(home, SecretStr("")), datetime.now(UTC)
    account = {**SANDBOX_ACCOUNT, "base_url": base_url}
    stored = StoredConnection("shopify", "main", "active", "", vault.seal(account), "bench")
    limit = manifest("shopify").limit
    rules = shipped_rules()
    async with database.begin() as connection:
        await connections.put(connection, stored, now=now)
        await budgets.define(
            connection,
            budget_name(SHOP),
            burst=limit.burst,
            per_second=Decimal(str(limit.per_second)),
            is_active=True,
            now=now,
        )
        await rulebook.activate(
            connection, rules.version, rules.documents(), author="bench", reason="", now=now
        )
        await workers.beat(connection, "bench", now=now)
    hub = Hub(HubSettings(home=home), database, vault, Clients(database, vault), "bench")
    await hub.clients.refresh()
    return hub


def _memory() -> float:
    """What this process holds, in MB."""
    return float(psutil.Process().memory_info().rss) / 1e6


if __name__ == "__main__":
    main()
