"""What 1,000 deliveries cost at the vendors with batch endpoints: calls, time, refusals.

    python -m benchmarks.batching [--deliveries 1000] [--only klaviyo,sheets] [--json]

The hub's own senders work them off through the real connectors against the vendors' stand-ins,
behind a gate that counts as the vendor documents it and answers 429 beyond. One call per
delivery is reckoned from the same budget, since waiting for it would take hours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from pydantic import BaseModel, SecretStr
from sqlalchemy import text
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.kit.capabilities import (
    AudienceMember,
    CrmContact,
    RowUpsert,
    SheetRow,
    TrackedEvent,
)
from connectors.kit.registry import manifest, slugs
from connectors.kit.sandbox import VendorSandbox, town
from connectors.kit.window import Window
from flows.clients import Clients
from flows.runtime import Hub
from flows.sending import Sender, budget_name
from loyalty.settings import HubSettings
from loyalty.store import budgets, connections, deliveries, workers
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database
from loyalty.store.deliveries import LEASE, Delivery
from loyalty.store.embedded import HUB_DATABASE, EmbeddedPostgres
from loyalty.store.ids import new_id
from loyalty.store.migrate import migrate
from loyalty.store.vault import Vault

TODAY = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _mail(number: int) -> str:
    return f"member.{number}@shop.example"


def _track(number: int) -> BaseModel:
    return TrackedEvent(name="Points earned", time=TODAY, email=_mail(number), value=Decimal(10))


def _contact(number: int) -> BaseModel:
    return CrmContact(email=_mail(number), first_name="Mila", properties={"points": number})


def _member(number: int) -> BaseModel:
    return AudienceMember(email=_mail(number), first_name="Mila", is_subscribed=False)


def _row(number: int) -> BaseModel:
    return SheetRow(values=(f"m-{number}", str(number), "2026-11-21"))


def _upsert(number: int) -> BaseModel:
    return RowUpsert(key_column="Member", key=f"m-{number}", values={"Points": number})


@dataclass(frozen=True, slots=True)
class Case:
    """One vendor.

    Attributes:
        limits: What it documents: so many calls in so many seconds, of each kind.
        source: Where that stands.
    """

    slug: str
    capability: str
    make: Callable[[int], BaseModel]
    limits: tuple[tuple[int, float], ...]
    source: str


CASES = (
    Case("klaviyo", "track", _track, ((10, 1.0), (150, 60.0)), "10 a second, 150 a minute"),
    Case("hubspot", "crm", _contact, ((100, 10.0),), "100 in 10 seconds"),
    Case("segment", "track", _track, ((1000, 1.0),), "1,000 requests a second"),
    Case("sheets", "sheet", _row, ((60, 60.0),), "60 writes a minute"),
    Case("airtable", "row", _upsert, ((5, 1.0),), "5 a second on a base"),
    Case("mailchimp", "audience", _member, ((0, 1.0),), "10 connections, no rate"),
)


@dataclass
class Gate:
    """Counts calls as the vendor does, and refuses what is too much."""

    inner: ASGIApp
    windows: Sequence[Window]
    statuses: Counter[int] = field(default_factory=Counter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.statuses[message["status"]] += 1
            await send(message)

        waits = [] if "token" in scope["path"] else [one.take() for one in self.windows]
        if wait := max(waits, default=0.0):
            headers = {"Retry-After": str(int(wait) + 1)}
            refusal = JSONResponse({"error": "too many"}, status_code=429, headers=headers)
            await refusal(scope, receive, counting)
            return
        await self.inner(scope, receive, counting)


@asynccontextmanager
async def serving(sandbox: VendorSandbox, gate: Gate) -> AsyncIterator[str]:
    """The sandbox's base URL while the context is open."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = uvicorn.Server(uvicorn.Config(gate, log_level="warning", lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/{sandbox.slug}"
    finally:
        server.should_exit = server.force_exit = True
        await task
        listener.close()


def _sandbox(slug: str) -> VendorSandbox:
    found = vars(import_module(f"connectors.{slug}.sandbox")).values()
    kind = next(
        one
        for one in found
        if isinstance(one, type) and issubclass(one, VendorSandbox) and one.slug == slug
    )
    sandbox: VendorSandbox = kind()
    return sandbox


async def connect(hub: Hub, case: Case, account: dict[str, Any]) -> None:
    """Adds the connection with the budget that its connector declares."""
    known = manifest(case.slug)
    model = known.account
    fields = {name: value for name, value in account.items() if name in model.model_fields}
    sealed = hub.vault.seal(model.model_validate(fields).plain())
    now = hub.clock()
    async with hub.database.begin() as connection:
        await workers.beat(connection, hub.owner, now=now)
        stored = StoredConnection(case.slug, "main", "active", "", sealed, "f")
        await connections.put(connection, stored, now=now)
        await budgets.define(
            connection,
            budget_name(f"{case.slug}/main"),
            burst=known.limit.burst,
            per_second=Decimal(str(known.limit.per_second)),
            is_active=True,
            now=now,
        )
    await hub.clients.refresh()


async def plan(hub: Hub, case: Case, count: int) -> list[Delivery]:
    """Plans the deliveries as booking does."""
    known = manifest(case.slug)
    action = next(one for one in known.actions if one.capability == case.capability)
    now = hub.clock()
    planned = [
        Delivery(
            id=new_id(now),
            key=f"{case.slug}:{number}",
            capability=case.capability,
            input=case.make(number).model_dump(mode="json"),
            state="pending",
            created_at=now,
            connector=case.slug,
            connection="main",
            action=action.name,
            owner=hub.owner,
            lease_until=now + LEASE,
        )
        for number in range(count)
    ]
    async with hub.database.begin() as connection:
        return await deliveries.plan(connection, planned)


async def drain(hub: Hub, slug: str, planned: list[Delivery]) -> float:
    """Sends until nothing is left, what was parked in its time; the seconds it took."""
    started = time.monotonic()
    batch = planned
    while True:
        sender = Sender(hub, slug)
        for one in batch:
            sender.queue.put_nowait(one)
        sender.queue.put_nowait(None)
        await sender.run()
        now = hub.clock()
        async with hub.database.begin() as connection:
            await workers.beat(connection, hub.owner, now=now)
            due = await deliveries.next_due(connection, now=now)
        if due is None:
            return time.monotonic() - started
        await asyncio.sleep(max((due - hub.clock()).total_seconds(), 0.0))
        now = hub.clock()
        async with hub.database.begin() as connection:
            await workers.beat(connection, hub.owner, now=now)
            batch = await deliveries.take_due(connection, owner=hub.owner, limit=1000, now=now)


async def measure(hub: Hub, case: Case, count: int) -> dict[str, Any]:
    """One vendor, from the first call to the last."""
    limit = manifest(case.slug).limit
    sandbox = _sandbox(case.slug)
    gate = Gate(town([sandbox]), [Window(*one) for one in case.limits])
    async with serving(sandbox, gate) as base_url:
        await connect(hub, case, sandbox.account_at(base_url))
        planned = await plan(hub, case, count)
        seconds = await drain(hub, f"{case.slug}/main", planned)
    async with hub.database.begin() as connection:
        rows = await connection.execute(
            text("select state, count(*) as n from deliveries where connector = :c group by 1"),
            {"c": case.slug},
        )
        states = {row.state: row.n for row in rows}
    calls = sum(gate.statuses.values())
    alone = max(count - limit.burst, 0) / limit.per_second
    return {
        "vendor": case.slug,
        "documented": case.source,
        "deliveries": count,
        "states": states,
        "calls": calls,
        "calls_per_1000": round(calls * 1000 / count, 1),
        "seconds": round(seconds, 2),
        "refused_429": gate.statuses[429],
        "one_by_one_calls": count,
        "one_by_one_seconds": round(alone, 1),
    }


async def run(count: int, only: Sequence[str]) -> list[dict[str, Any]]:
    """Every vendor whose connector there is, each in its turn."""
    home = Path(tempfile.mkdtemp(prefix="bench-batching-"))
    server = EmbeddedPostgres(home)
    server.start()
    found = []
    try:
        server.create_databases()
        database = Database(server.url(HUB_DATABASE))
        await migrate(database)
        vault = Vault.of(home, SecretStr(""))
        hub = Hub(HubSettings(home=home), database, vault, Clients(database, vault), "bench:1:1")
        for case in CASES:
            if case.slug in slugs() and (not only or case.slug in only):
                found.append(await measure(hub, case, count))
                print(line_of(found[-1]), file=sys.stderr, flush=True)
        await hub.aclose()
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
    return found


def line_of(one: dict[str, Any]) -> str:
    """A vendor's figures in one line."""
    ended = ", ".join(f"{count} {state}" for state, count in sorted(one["states"].items()))
    return (
        f"{one['vendor']:<10} {one['calls_per_1000']:>7} calls per 1,000 in {one['seconds']:>6} s, "
        f"{one['refused_429']} refused; one by one: {one['one_by_one_calls']} calls, "
        f"{one['one_by_one_seconds']} s ({one['documented']}; {ended})"
    )


def main() -> int:
    """Measures and prints; 1 where a vendor had to refuse a call, or a delivery did not end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=1000)
    parser.add_argument("--only", default="", help="Slugs, comma-separated.")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    only = [one for one in options.only.split(",") if one]
    found = uvloop.run(run(options.deliveries, only))
    if options.json:
        print(json.dumps(found, indent=2))
    good = {"sent": options.deliveries}
    return int(any(one["refused_429"] or one["states"] != good for one in found))


if __name__ == "__main__":
    sys.exit(main())
