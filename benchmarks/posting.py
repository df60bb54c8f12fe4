"""How many orders a second one worker posts: decided, booked, deliveries planned.

    python -m benchmarks.posting [--orders 10000] [--members 2500] [--batch 500] [--profile]

The embedded PostgreSQL runs on the same machine, durable as it is in production. The orders
(about 4 KB each, as Shopify sends them) lie in the inbox before the clock starts; then they are
claimed and booked as the flows do it, one transaction per batch, with the shipped rules, tiers,
a monthly cap and all routes connected.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import psutil
import uvloop
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.senders import order
from connectors.kit import registry
from connectors.kit.webhook import InboundRequest, Source, decode_json
from flows.batch import LANES
from flows.booking import book
from flows.directory import Directory
from flows.planning import Planner
from flows.runtime import shipped_texts
from flows.terms import Terms
from loyalty.events import Event
from loyalty.programme import Programme
from loyalty.store import inbox, rulebook
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database
from loyalty.store.embedded import HUB_DATABASE, EmbeddedPostgres
from loyalty.store.inbox import Incoming
from loyalty.store.migrate import migrate
from loyalty.texts import Texts
from rules import RuleSet
from rules.shipped import shipped_rules

TARGET_PER_SECOND = 1000
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROUTES = {
    "sms": ("twilio/main",),
    "email": ("smtp/main",),
    "crm": ("hubspot/main",),
    "audience": ("mailchimp/main",),
    "track": ("klaviyo/main",),
    "chat": ("slack/main",),
    "sheet": ("sheets/main",),
    "webhook": ("webhook/main",),
}
PROGRAMME = Programme.model_validate(
    {
        "currency": "USD",
        "routes": ROUTES,
        "expiry": {"mode": "months", "n": 12},
        "fx": {"EUR": {"2026-03-02": "1.0850"}},
        "caps": [{"id": "monthly", "period": "month", "points": 100_000}],
        "tiers": {
            "metric": "spend",
            "window": "rolling_months",
            "months": 12,
            "levels": [
                {"name": "bronze", "at": "0"},
                {"name": "silver", "at": "500", "factor": "1.5", "entry_bonus": 50},
                {"name": "gold", "at": "2000", "factor": "2", "entry_bonus": 100},
            ],
        },
    }
)


def orders(count: int, members: int) -> Iterator[Event]:
    """Canonical orders, read from bodies as the gateway reads them."""
    webhook = registry.manifest("shopify").webhook
    assert webhook is not None
    trigger = webhook.triggers["orders/paid"]
    source = Source("shopify", "bench")
    for number in range(count):
        body: dict[str, Any] = orjson.loads(order(number % members))
        body["id"] = 5_000_000_000 + number
        body["name"] = f"#{number}"
        raw = orjson.dumps(body)
        request = InboundRequest("POST", "http://hub/hooks", {}, raw, NOW)
        for event in trigger.parse(decode_json(raw), request, source):
            yield event.model_copy(update={"time": NOW})


def terms(rules: RuleSet, texts: Texts) -> Terms:
    """What the worker books under."""
    slugs = [slug for route in ROUTES.values() for slug in route]
    directory = Directory(
        {
            slug: StoredConnection(connector, name, "active", "", b"x", "f")
            for slug in slugs
            for connector, _, name in [slug.partition("/")]
        }
    )

    async def rules_of(connection: AsyncConnection, version: str) -> RuleSet:
        raise LookupError(f"no rules but those in force are needed, not {version}")

    async def programme_of(connection: AsyncConnection, version: str) -> Programme:
        raise LookupError(f"no programme but the one in force is needed, not {version}")

    return Terms(
        programme=PROGRAMME,
        rules=rules,
        texts=texts,
        planner=Planner(PROGRAMME, texts, directory, "bench", NOW),
        now=NOW,
        rules_of=rules_of,
        programme_of=programme_of,
    )


async def fill(database: Database, events: Sequence[Event]) -> None:
    """Puts the events into the inbox and the programme in force."""
    async with database.begin() as connection:
        await rulebook.save_programme(connection, PROGRAMME, now=NOW)
    for at in range(0, len(events), 500):
        chunk = [Incoming(event, received_at=NOW) for event in events[at : at + 500]]
        async with database.begin() as connection:
            await inbox.accept(connection, chunk)
    async with database.begin() as connection:
        await connection.execute(text("analyze inbox"))


async def work_off(database: Database, rules: RuleSet, texts: Texts, *, batch: int) -> list[float]:
    """Books until nothing waits, as many batches side by side as the flow does; the seconds
    that each took."""
    lanes = await asyncio.gather(*(_lane(database, rules, texts, batch) for _ in range(LANES)))
    return [seconds for took in lanes for seconds in took]


async def _lane(database: Database, rules: RuleSet, texts: Texts, batch: int) -> list[float]:
    took: list[float] = []
    while True:
        began = time.perf_counter()
        async with database.begin() as connection:
            items = await inbox.claim(connection, "orders", limit=batch, now=NOW)
            if not items:
                return took
            await book(connection, items, terms(rules, texts), run_id=None)
        took.append(time.perf_counter() - began)


def busy_seconds(postmaster: int) -> float:
    """The CPU time of PostgreSQL: of the back ends that live, the writers and those that ended."""
    server = psutil.Process(postmaster)
    times = [process.cpu_times() for process in (server, *server.children())]
    return sum(t.user + t.system for t in times) + sum(times[0][2:4])


async def measure(server: EmbeddedPostgres, arguments: argparse.Namespace) -> dict[str, Any]:
    """Runs once and says what came out."""
    assert server.pid is not None
    database = Database(server.url(HUB_DATABASE))
    await migrate(database)
    events = list(orders(arguments.orders, arguments.members))
    await fill(database, events)
    # Read once by a worker that starts, both of them.
    rules, texts = shipped_rules(), shipped_texts()
    profile = cProfile.Profile()
    if arguments.profile:
        profile.enable()
    busy = busy_seconds(server.pid)
    began, cpu = time.perf_counter(), time.process_time()
    took = await work_off(database, rules, texts, batch=arguments.batch)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    busy = busy_seconds(server.pid) - busy
    profile.disable()
    if arguments.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    async with database.begin() as connection:
        counts = {
            name: (await connection.execute(text(f"select count(*) from {name}"))).scalar_one()
            for name in ("entries", "deliveries", "members")
        }
    await database.aclose()
    per_second = len(events) / seconds
    return {
        "orders": len(events),
        "seconds": round(seconds, 3),
        "orders_per_second": round(per_second),
        "worker_cpu_us_per_order": round(cpu / len(events) * 1_000_000),
        "postgres_cpu_us_per_order": round(busy / len(events) * 1_000_000),
        "slowest_batch_ms": round(max(took) * 1000),
        "target_per_second": TARGET_PER_SECOND,
        "reached": per_second >= TARGET_PER_SECOND,
        **counts,
    }


@contextmanager
def postgres() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of its own for the time of the measurement."""
    home = Path(tempfile.mkdtemp(prefix="hub-posting-"))
    server = EmbeddedPostgres(home)
    server.start()
    try:
        server.create_databases()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def main() -> None:
    """Reads the options, measures, prints one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--members", type=int, default=2_500)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    with postgres() as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(measure(server, arguments)), indent=2))


if __name__ == "__main__":
    main()
