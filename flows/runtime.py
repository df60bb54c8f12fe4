"""What the flows of a process share: database, clock, connections, rules, bells.

The warm worker opens it once; a flow that a process work pool started opens its own.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from flows.bells import Bells
from flows.clients import Clients
from flows.directory import Directory
from flows.planning import Planner
from flows.terms import Terms
from loyalty.links import Links
from loyalty.programme import Programme
from loyalty.settings import HubSettings
from loyalty.store import hooks_out, rulebook, workers
from loyalty.store.database import Database
from loyalty.store.deliveries import ALIVE, LEASE
from loyalty.store.expiry_since import expiry_since
from loyalty.store.vault import Vault
from loyalty.texts import Texts
from rules import RuleSet
from rules.shipped import all_templates, shipped_templates
from rules.text_checks import texts_of


class NotPublished(Exception):
    """There are no active rules yet; `hub up` publishes the shipped ones on the first start."""


def wall_clock() -> datetime:
    """The instant now, aware; the one place of the flows that reads a clock."""
    return datetime.now(UTC)


@dataclass
class Hub:
    """The runtime of one process.

    Attributes:
        owner: The name under which this process leases deliveries and is seen alive.
        is_stopping: The process ends: calls under way come to their end, nothing is begun.
        on_taken: Told when a run has taken up a batch, so that the next one is made ready.
    """

    settings: HubSettings
    database: Database
    vault: Vault
    clients: Clients
    owner: str
    clock: Callable[[], datetime] = wall_clock
    bells: Bells = field(default_factory=Bells)
    texts: Texts = field(default_factory=lambda: shipped_texts())
    is_stopping: bool = False
    on_taken: Callable[[str], None] | None = None
    _programme: Programme | None = None
    _rules: RuleSet | None = None
    _older: dict[str, RuleSet] = field(default_factory=dict)
    _older_programmes: dict[str, Programme] = field(default_factory=dict)
    _expiry_since: datetime | None = None
    _beaten_at: datetime | None = None
    _silent_until: datetime | None = None

    @cached_property
    def links(self) -> Links:
        """Makes and reads the links in messages."""
        return Links(self.vault.derived("links"), self.settings.base_url)

    async def refresh_rulebook(self) -> None:
        """Reads the programme and the active rules again."""
        async with self.database.begin() as connection:
            self._programme = await rulebook.programme(connection)
            self._expiry_since = await expiry_since(connection)
            found = await rulebook.active(connection)
        if found is None:
            raise NotPublished("no rules are published yet: start the hub once with `hub up`")
        version, documents = found
        if self._rules is None or self._rules.version != version:
            self._rules = RuleSet.from_documents(documents)
            self._older[version] = self._rules

    async def terms(self) -> Terms:
        """Under what the next batch is booked."""
        if self._rules is None or self._programme is None:
            await self.refresh_rulebook()
        assert self._rules is not None
        assert self._programme is not None
        now = self.clock()
        directory = Directory(self.clients.stored)
        return Terms(
            programme=self._programme,
            rules=self._rules,
            texts=self.texts,
            planner=Planner(
                self._programme, self.texts, directory, self.owner, now, links=self.links
            ),
            now=now,
            rules_of=self._rules_of,
            programme_of=self._programme_of,
            older=self._older,
            older_programmes=self._older_programmes,
            expiry_since=self._expiry_since,
            hooks=self.clients.hooks,
        )

    async def _rules_of(self, connection: AsyncConnection, version: str) -> RuleSet:
        documents = await rulebook.documents_of(connection, version)
        if documents is None:
            raise NotPublished(f"the rule set {version} of an earlier sale is not in the store")
        return RuleSet.from_documents(documents)

    async def _programme_of(self, connection: AsyncConnection, version: str) -> Programme:
        found = await rulebook.programme_of(connection, version)
        if found is None and version == Programme().version:
            return Programme()  # never saved: the hub began with the defaults
        if found is None:
            raise NotPublished(f"the programme {version} of an earlier sale is not in the store")
        return found

    async def beat(self) -> None:
        """Says that this process lives."""
        async with self.database.begin() as connection:
            await workers.beat(connection, self.owner, now=self.clock())
            # The bell tells of most changes at once; this is for those that nobody heard.
            self.clients.hooks = await hooks_out.load(connection)
        now = self.clock()
        if self._is_overdue(now):
            self._silent_until = now
        self._beaten_at = now

    def patience(self) -> timedelta:
        """How long another worker may be silent before it counts as dead.

        Longer where this one was silent itself a moment ago: a database that was away has
        kept everybody silent, and the living have to be given time to say so.
        """
        now = self.clock()
        was_silent = self._silent_until is not None and now - self._silent_until < ALIVE
        return LEASE if was_silent or self._is_overdue(now) else ALIVE

    def _is_overdue(self, now: datetime) -> bool:
        return self._beaten_at is not None and now - self._beaten_at > ALIVE

    async def aclose(self) -> None:
        """Gives back leases and closes everything."""
        async with self.database.begin() as connection:
            await workers.leave(connection, self.owner)
        await self.clients.aclose()
        await self.database.aclose()


def shipped_texts() -> Texts:
    """The texts that come with the hub."""
    return texts_of(shipped_templates())


def own_texts(settings: HubSettings) -> Texts:
    """The texts of this installation: the shipped ones with its own on top.

    Raises:
        TemplateError: One of its files cannot be read; `hub templates check` says the same.
        TextError: One of its texts cannot be read.
    """
    return texts_of(all_templates(settings.rules))


def owner_name() -> str:
    """A name that no other process has: host, process id, and when it started."""
    return f"{socket.gethostname()}:{os.getpid()}:{int(wall_clock().timestamp())}"


async def open_hub(settings: HubSettings | None = None) -> Hub:
    """Opens the runtime of this process and says that it lives."""
    settings = settings or HubSettings()
    database = Database(database_url(settings), pool_size=10)
    vault = Vault.of(settings.root, settings.secret_key)
    clients = Clients(database, vault)
    hub = Hub(settings, database, vault, clients, owner_name(), texts=own_texts(settings))
    await hub.beat()
    await hub.clients.refresh()
    return hub


def database_url(settings: HubSettings) -> str:
    """Where the hub's database is: as set, or the embedded server that `hub up` started."""
    if settings.database_url:
        return settings.database_url
    note = settings.root / "database.url"
    if not note.exists():
        raise FileNotFoundError(
            f"HUB_DATABASE_URL is not set and no embedded PostgreSQL runs for {settings.root}: "
            "start it with `hub up`"
        )
    return Path(note).read_text("utf-8").strip()


_warm: Hub | None = None
_BEAT_SECONDS = 3.0


def install(hub: Hub | None) -> None:
    """Makes a runtime the one that flows of this process use (the warm worker does)."""
    global _warm
    _warm = hub


@asynccontextmanager
async def runtime() -> AsyncIterator[Hub]:
    """The runtime: the worker's where there is one, else one opened for this flow run."""
    if _warm is not None:
        yield _warm
        return
    hub = await open_hub()
    pulse = asyncio.create_task(_pulse(hub))
    try:
        yield hub
    finally:
        pulse.cancel()
        await hub.aclose()


async def _pulse(hub: Hub) -> None:
    while True:
        await asyncio.sleep(_BEAT_SECONDS)
        await hub.database.persist(
            lambda connection: workers.beat(connection, hub.owner, now=hub.clock())
        )
