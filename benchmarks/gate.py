"""How many messages a second are planned through the gate, and judged again before they go.

    python -m benchmarks.gate [--messages 10000] [--addresses 5000] [--batch 500] [--profile]

The embedded PostgreSQL runs on the same machine, durable as it is in production. Half are texts
and half e-mails in the shipped MJML layout with its signed links; every address has a history of
consents and of messages sent; there are quiet hours, days off and two frequency caps. One
transaction a batch: what is known is loaded, the addresses are locked, each text is filled in,
each verdict and delivery is written. Then it is morning, and what waited is asked about again.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import uvloop
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.posting import busy_seconds, postgres
from flows.announcing import Announcement, announce
from flows.directory import Directory
from flows.gatekeeping import judge_again
from flows.planning import Planner
from flows.runtime import shipped_texts
from flows.terms import Terms
from loyalty.events import Channel, ConsentState
from loyalty.links import Links
from loyalty.programme import Programme
from loyalty.store import deliveries, people
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database
from loyalty.store.embedded import HUB_DATABASE, EmbeddedPostgres
from loyalty.store.migrate import migrate
from loyalty.store.people import ConsentNote
from rules import RuleSet

TARGET_PER_SECOND = 1000
OWNER = "bench"
EVENING = datetime(2026, 3, 2, 21, 30, tzinfo=UTC)
MORNING = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
ROUTES = {"sms": ("twilio/main",), "email": ("smtp/main",)}
PROGRAMME = Programme.model_validate(
    {
        "routes": ROUTES,
        "messaging": {
            "quiet_hours": {
                "sms": {"from": "21:00", "to": "08:00", "no_weekdays": [7]},
                "email": {"from": "23:00", "to": "06:00"},
            },
            "unknown_zone": "program",
            "frequency_caps": [
                {"channel": "sms", "count": 5, "hours": 24},
                {"channel": "email", "count": 20, "per": "iso_week"},
            ],
        },
    }
)
LINKS = Links(b"a key of thirty-two bytes or more", "https://hub.example.com")
TEXTS = shipped_texts()


def terms(now: datetime) -> Terms:
    """What the worker plans under."""
    stored = {
        slug: StoredConnection(*slug.split("/"), "active", "", b"x", "f")
        for (slug,) in ROUTES.values()
    }

    async def none_of(connection: AsyncConnection, version: str) -> Any:
        raise LookupError(f"nothing but what is in force is needed, not {version}")

    planner = Planner(PROGRAMME, TEXTS, Directory(stored), OWNER, now, links=LINKS)
    return Terms(PROGRAMME, RuleSet.load([]), TEXTS, planner, now, none_of, none_of)


def address(number: int) -> tuple[Channel, str]:
    """The address of somebody: every other one has a telephone."""
    if number % 2:
        return Channel.SMS, f"+4915{number:09}"
    return Channel.EMAIL, f"person{number}@example.com"


def letters(count: int, addresses: int) -> list[Announcement]:
    """Invitations, each once."""
    found = []
    for number in range(count):
        channel, whom = address(number % addresses)
        found.append(
            Announcement(
                key=f"bench:{number}",
                template="invitation",
                channel=channel.value,
                purpose="marketing",
                member=None,
                address=whom,
                name="Ada Lovelace",
                locale=("en", "de", "fr")[number % 3],
                zone="UTC",
                values={"points": 10, "shop": "Tea House", "link": "https://hub.example.com/j/x"},
            )
        )
    return found


async def furnish(database: Database, addresses: int) -> None:
    """Connections, and for every address three words and two messages of the last weeks."""
    notes = []
    for number in range(addresses):
        channel, whom = address(number)
        for days, state in ((90, ConsentState.GRANTED), (60, ConsentState.WITHDRAWN),
                            (30, ConsentState.GRANTED)):  # fmt: skip
            at = EVENING - timedelta(days=days)
            notes.append(ConsentNote(None, channel, whom, state, "shopify/main t", at))
    async with database.begin() as connection:
        await connection.execute(
            text("""
                insert into connections (connector, name, state, sealed, fingerprint, updated_at)
                values ('twilio', 'main', 'active', '', 'f', now()),
                       ('smtp', 'main', 'active', '', 'f', now())
            """)
        )
        await people.note_consents(connection, notes, now=EVENING)
        await connection.execute(_HISTORY, {"before": EVENING - timedelta(days=10)})
        await connection.execute(text("analyze consents, deliveries"))


_HISTORY = text("""
insert into deliveries (id, key, capability, input, target, state, purpose, created_at, sent_at)
select gen_random_uuid(), 'past:' || c.address || n, c.channel, '{}', c.address, 'sent',
       'marketing', cast(:before as timestamptz) + n * interval '9 days 12 hours',
       cast(:before as timestamptz) + n * interval '9 days 12 hours'
from (select distinct channel, address from consents) c, generate_series(0, 1) n
""")


async def plan(database: Database, wanted: Sequence[Announcement], batch: int) -> list[float]:
    """Announces everything; the seconds that each transaction took."""
    took = []
    for at in range(0, len(wanted), batch):
        began = time.perf_counter()
        async with database.begin() as connection:
            await announce(connection, wanted[at : at + batch], terms=terms(EVENING))
        took.append(time.perf_counter() - began)
    return took


async def ask_again(database: Database, batch: int) -> int:
    """Takes what waited for the morning through the gate; how many may go."""
    count = 0
    while True:
        async with database.begin() as connection:
            taken = await deliveries.take_due(connection, owner=OWNER, limit=batch, now=MORNING)
            if not taken:
                return count
            goes = await judge_again(connection, taken, terms(MORNING))
            await deliveries.begin(connection, [one.id for one in goes], owner=OWNER, now=MORNING)
            count += len(goes)


async def measure(server: EmbeddedPostgres, arguments: argparse.Namespace) -> dict[str, Any]:
    """Runs once and says what came out."""
    assert server.pid is not None
    database = Database(server.url(HUB_DATABASE))
    await migrate(database)
    await furnish(database, arguments.addresses)
    wanted = letters(arguments.messages, arguments.addresses)
    await plan(database, letters(1, 1)[:1], 1)
    profile = cProfile.Profile()
    if arguments.profile:
        profile.enable()
    busy, began, cpu = busy_seconds(server.pid), time.perf_counter(), time.process_time()
    took = await plan(database, wanted, arguments.batch)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    busy = busy_seconds(server.pid) - busy
    profile.disable()
    if arguments.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
    began = time.perf_counter()
    went = await ask_again(database, arguments.batch)
    again = time.perf_counter() - began
    async with database.begin() as connection:
        rows = await connection.execute(
            text("select outcome, count(*) as n from verdicts group by outcome")
        )
        verdicts = {row.outcome: row.n for row in rows}
    await database.aclose()
    per_second = len(wanted) / seconds
    return {
        "messages": len(wanted),
        "seconds": round(seconds, 3),
        "messages_per_second": round(per_second),
        "worker_cpu_us_per_message": round(cpu / len(wanted) * 1_000_000),
        "postgres_cpu_us_per_message": round(busy / len(wanted) * 1_000_000),
        "slowest_batch_ms": round(max(took) * 1000),
        "verdicts": verdicts,
        "asked_again_and_gone": went,
        "asked_again_per_second": round(went / again) if went else 0,
        "target_per_second": TARGET_PER_SECOND,
        "reached": per_second >= TARGET_PER_SECOND,
    }


def main() -> None:
    """Reads the options, measures, prints one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--addresses", type=int, default=5_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    with postgres() as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(measure(server, arguments)), indent=2))


if __name__ == "__main__":
    main()
