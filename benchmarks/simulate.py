"""How many stored events a second rules are tried on, with 20 rules: on one core, and on all.

Run: python -m benchmarks.simulate
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from flows.booking import book
from flows.directory import Directory
from flows.planning import Planner
from flows.runtime import shipped_texts
from flows.simulation import Trial, simulate
from flows.simulation.crew import cores
from flows.terms import Terms
from loyalty.events import Customer, Event, EventType, Line, Order, Refund
from loyalty.programme import Programme
from loyalty.store import inbox, rulebook
from loyalty.store.database import Database
from loyalty.store.embedded import EmbeddedPostgres
from loyalty.store.migrate import migrate
from rules import RuleSet

TARGET_PER_SECOND_AND_CORE = 5_000
MEMBERS = 2_000
ORDERS = 20_000
BEGIN = datetime(2026, 1, 1, 9, tzinfo=UTC)

CONDITIONS = (
    "order.eligible >= {n}0",
    'any(line.sku == "TEA-{n}" for line in order.lines)',
    "member.orders_count == {n}",
    'member.tier == "gold" and order.total > {n}0',
    "sum(line.quantity for line in order.lines) >= {n}",
)


def rules() -> RuleSet:
    """Twenty rules: one that earns, nineteen with conditions of the kinds that shops use."""
    documents: list[dict[str, Any]] = [
        {
            "id": "per-euro",
            "on": ["order.paid"],
            "then": [{"earn": {"points": "1", "per": "1.00"}}],
        }
    ]
    for number in range(19):
        when = CONDITIONS[number % len(CONDITIONS)].format(n=number + 2)
        award = {"award": {"points": str(number + 1), "flat": True}}
        documents.append(
            {"id": f"rule-{number}", "on": ["order.paid"], "when": [when], "then": [award]}
        )
    return RuleSet.load(documents)


def events() -> list[Event]:
    """Orders of two lines, every tenth with a refund."""
    found = []
    for number in range(ORDERS):
        who = f"c{number * 7919 % MEMBERS}"
        at = BEGIN + timedelta(minutes=number * 2)
        price = Decimal(990 + number * 31 % 1_000).scaleb(-2)
        person = Customer(id=who, email=f"{who}@example.com")
        lines = tuple(
            Line(
                id=f"L{at_line}",
                sku=f"TEA-{(number + at_line) % 40}",
                quantity=1 + at_line,
                unit_price=price,
            )
            for at_line in range(2)
        )
        order = Order(id=str(number), currency="EUR", total=3 * price, lines=lines, customer=person)
        subject = f"shopify/main:customer:{who}"
        found.append(_event(EventType.ORDER_PAID, number, at, subject, order))
        if number % 10 == 0:
            refund = Refund(id=str(number), order_id=str(number), currency="EUR", amount=price)
            later = at + timedelta(minutes=1)
            found.append(_event(EventType.ORDER_REFUNDED, number, later, subject, refund))
    return found


def _event(kind: EventType, number: int, at: datetime, subject: str, data: Any) -> Event:
    return Event(
        type=kind, store="shopify/main", key=str(number), time=at, subject=subject, data=data
    )


async def fill(database: Database) -> float:
    """Books everything as the flows do; events a second."""
    found, programme, in_force = events(), Programme(), rules()
    texts, now = shipped_texts(), BEGIN + timedelta(days=60)
    planner = Planner(programme, texts, Directory({}), "bench", now)

    async def never(*_: Any) -> Any:
        raise AssertionError("there is one version only")

    terms = Terms(programme, in_force, texts, planner, now, never, never)
    async with database.begin() as connection:
        await rulebook.activate(
            connection, in_force.version, in_force.documents(), author="", reason="", now=now
        )
        await rulebook.save_programme(connection, programme, now=now)
        await inbox.emit(connection, found, now=now)
    began, left = perf_counter(), len(found)
    while left:
        booked = 0
        # An order of somebody whose refund came before it waits for the refund.
        for trigger in ("orders", "refunds"):
            async with database.begin() as connection:
                items = await inbox.claim(connection, trigger, limit=500, now=now)
                if items:
                    await book(connection, items, terms, run_id=None)
                booked += len(items)
        assert booked, f"{left} events cannot be claimed"
        left -= booked
    return len(found) / (perf_counter() - began)


async def measure(url: str) -> bool:
    """Prints the figures; whether the target is met."""
    database = Database(url)
    await migrate(database)
    booked = await fill(database)
    print(f"booked first, for real: {booked:,.0f} events a second")
    trial = Trial(
        rules=rules(), programme=Programme(), since=BEGIN, until=BEGIN + timedelta(days=90)
    )
    began = process_time()
    alone = await simulate(database, trial, processes=1)
    busy = process_time() - began
    assert alone.difference == 0, "the rules that were in force change nothing"
    assert alone.replayed == len(events()), "everything that was booked is gone through"
    per_core = alone.replayed / busy
    print(
        f"on one core: {per_core:,.0f} events a second of its time ({alone.replayed:,} events, "
        f"{alone.seconds:.1f} s by the clock, {busy:.1f} s at work)"
    )
    shared = await simulate(database, trial)
    rate = shared.replayed / shared.seconds
    print(f"{shared.way}: {rate:,.0f} events a second, {shared.seconds:.1f} s in all")
    await database.aclose()
    print(f"target: {TARGET_PER_SECOND_AND_CORE:,} a second and core, of {cores()} cores")
    return per_core >= TARGET_PER_SECOND_AND_CORE


def main() -> int:
    """Measures on a PostgreSQL of its own."""
    with tempfile.TemporaryDirectory() as home:
        server = EmbeddedPostgres(Path(home))
        server.start()
        try:
            server.psql("create database bench;")
            return 0 if asyncio.run(measure(server.url("bench"))) else 1
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
