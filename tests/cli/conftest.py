"""The `hub` commands on a real store: run in this process, with rows the hub itself wrote."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest
import uvicorn
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection
from typer.testing import CliRunner

from connectors.kit.sandbox import town
from connectors.twilio.sandbox import TwilioSandbox
from deployments.cli.main import app
from flows.booking import Terms, book
from flows.directory import Directory
from flows.planning import Planner
from flows.runtime import shipped_texts
from loyalty.events import Customer, Event, EventType, Line, Order
from loyalty.programme import Programme
from loyalty.store import connections, deliveries, inbox, rulebook, workers
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database
from loyalty.store.deliveries import Delivery, Outcome
from loyalty.store.ids import new_id
from loyalty.store.inbox import Closing, Incoming
from loyalty.store.vault import Vault
from rules import RuleSet
from rules.shipped import shipped_rules

T = TypeVar("T")

NOW = datetime.now(UTC).replace(microsecond=0)
EMAIL = "ann.example@shop.example"
PHONE = "+15005550123"


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout; fails where anything else was printed."""
        return json.loads(self.out)


Hub = Callable[..., Answer]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """HUB_HOME of its own, ports where nobody listens, a terminal of 100 columns."""
    for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "HUB_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HUB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HUB_PREFECT_PORT", str(free_port()))
    monkeypatch.setenv("HUB_PORT", str(free_port()))
    monkeypatch.setenv("COLUMNS", "100")
    return monkeypatch


@pytest.fixture
def nowhere(environment: pytest.MonkeyPatch) -> Hub:
    """The command where no hub was ever started."""
    return run


@pytest.fixture
def hub(environment: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> Hub:
    """The command with a migrated, empty store."""
    (tmp_path / "home").mkdir()
    environment.setenv("HUB_DATABASE_URL", database_url)
    return run


def run(*arguments: str, stdin: str | None = None) -> Answer:
    """Runs `hub` with these arguments."""
    result = CliRunner().invoke(app, list(arguments), input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Answer(result.exit_code, result.stdout, result.stderr)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Shop:
    """Writes what a day leaves behind, through the store's own functions."""

    def __init__(self, url: str, home: Path) -> None:
        self.url = url
        self.home = home

    def write(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Runs work in one transaction."""

        async def done() -> T:
            database = Database(self.url)
            try:
                async with database.begin() as connection:
                    return await work(connection)
            finally:
                await database.aclose()

        return asyncio.run(done())

    def publish(self, **programme: Any) -> None:
        """Puts the shipped rules and a programme in force."""
        rules = shipped_rules()

        async def work(connection: AsyncConnection) -> None:
            await rulebook.activate(
                connection, rules.version, rules.documents(), author="t", reason="t", now=NOW
            )
            await rulebook.save_programme(connection, Programme(**programme), now=NOW)

        self.write(work)

    def receive(self, *events: Event) -> None:
        """Lets events come in."""
        incoming = [Incoming(one, received_at=NOW) for one in events]
        self.write(lambda connection: inbox.accept(connection, incoming))

    def work_off(self, *triggers: str) -> None:
        """Books what waits, as the flows do."""

        async def work(connection: AsyncConnection) -> None:
            programme = await rulebook.programme(connection)
            known = {one.slug: one for one in await connections.load(connection)}
            texts = shipped_texts()
            planner = Planner(programme, texts, Directory(known), "test", NOW)
            terms = Terms(
                programme, shipped_rules(), texts, planner, NOW, _no_older, _no_older_programme
            )
            for trigger in triggers:
                items = await inbox.claim(connection, trigger, limit=100, now=NOW)
                await book(connection, items, terms, run_id=None)

        self.write(work)

    def close(self, key: str, state: str, reason: str, waits_for: str = "") -> None:
        """Ends an event in a given state."""

        async def work(connection: AsyncConnection) -> None:
            items = await inbox.claim(connection, "orders", limit=100, now=NOW)
            ids = [one.id for one in items if one.event.business_key == key]
            closings = [Closing(one, state, reason=reason, waits_for=waits_for) for one in ids]
            assert closings
            await inbox.close(connection, closings, run_id=None, now=NOW)

        self.write(work)

    def deliver(self, state: str, *, reason: str = "", route: str = "twilio/main") -> UUID:
        """A text message that was tried once and ended in a state."""
        connector, _, name = route.partition("/")
        delivery = Delivery(
            id=new_id(NOW),
            key=f"shopify/main:order.paid:1001:news:{new_id(NOW)}:{PHONE}",
            capability="sms",
            input={"to": PHONE, "body": "Dear Ann, you have 79 points."},
            state="pending",
            created_at=NOW,
            connector=connector,
            connection=name,
            action="send_sms",
            target=PHONE,
            owner="test",
            lease_until=NOW + timedelta(minutes=1),
        )

        async def work(connection: AsyncConnection) -> None:
            await deliveries.plan(connection, [delivery])
            await deliveries.begin(connection, [delivery.id], owner="test", now=NOW)
            delivery.attempts = 1
            ended = NOW + timedelta(seconds=1.5)
            outcome = Outcome(delivery, state, NOW, ended, reason=reason, vendor_code="30003")
            await deliveries.finish(connection, [outcome])

        self.write(work)
        return delivery.id

    def connect(self, slug: str, fields: dict[str, Any], state: str = "active") -> None:
        """A connection with credentials, sealed under HUB_HOME's key."""
        connector, _, name = slug.partition("/")
        vault = Vault.of(self.home, SecretStr(""))
        stored = StoredConnection(connector, name, state, "", vault.seal(fields), "f")
        self.write(lambda connection: connections.put(connection, stored, now=NOW))

    def beat(self, name: str = "till:1:1") -> None:
        """Lets a worker be seen now."""
        now = datetime.now(UTC)
        self.write(lambda connection: workers.beat(connection, name, now=now))


async def _no_older(connection: AsyncConnection, version: str) -> RuleSet:
    raise AssertionError("these tests have one rule set")


async def _no_older_programme(connection: AsyncConnection, version: str) -> Programme:
    raise AssertionError("these tests have one programme")


@pytest.fixture
def shop(hub: Hub, database_url: str, tmp_path: Path) -> Shop:
    """The store of `hub`, to be filled."""
    return Shop(database_url, tmp_path / "home")


@pytest.fixture
def order() -> Callable[..., Event]:
    """Makes paid orders of one customer."""

    def make(number: str = "1001", total: str = "79.90") -> Event:
        person = Customer(id="7", email=EMAIL, phone=PHONE, first_name="Ann")
        line = Line(id="L1", sku="TEA-250", quantity=1, unit_price=Decimal(total))
        return Event(
            type=EventType.ORDER_PAID,
            store="shopify/main",
            key=number,
            time=NOW,
            subject="shopify/main:customer:7",
            data=Order(
                id=number, currency="EUR", total=Decimal(total), lines=(line,), customer=person
            ),
        )

    return make


@pytest.fixture
def sandbox() -> Iterator[str]:
    """Twilio's stand-in, served from a thread beside the command; its base URL."""
    twilio = TwilioSandbox()
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(town([twilio]), log_level="warning", lifespan="off", loop="asyncio")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/twilio"
    server.should_exit = True
    thread.join(5)
    listener.close()
