"""The real engine on a real database, with a clock that only the story moves.

An event is accepted as the gateway accepts it and worked off as the flows do it: claimed and
booked in one transaction (`flows.booking.book`), until nothing waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from deployments.scenario import translate
from deployments.scenario.texts import scenario_texts
from deployments.scenario.window import Window
from flows.booking import book
from flows.directory import Directory
from flows.planning import Planner
from flows.terms import Terms
from loyalty.events import TRIGGERS, Event
from loyalty.links import Links
from loyalty.programme import Programme
from loyalty.store import inbox, rulebook
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database
from loyalty.store.expiry_since import expiry_since
from loyalty.store.inbox import Incoming
from rules import RuleSet

OWNER = "scenario"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_PATIENCE = 2_000
"""How often a concurrent step looks again while others hold what it waits for."""
_CONFLICTS = ("40P01", "40001")

_VENDORS = Directory(
    {
        slug: StoredConnection(connector, name, "active", "", b"scenario", "scenario")
        for routes in translate.ROUTES.values()
        for slug in routes
        for connector, _, name in [slug.partition("/")]
    }
)

LINKS = Links(b"the links of a story, which nobody clicks", "https://hub.example.com")


class Stuck(Exception):
    """Something waits and is never worked off: a fault of the engine, told as a difference."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an event ended, as its row in the inbox says.

    Attributes:
        is_new: False for a redelivery: the row is that of the first time.
    """

    is_new: bool
    state: str
    code: str = ""
    waits_for: str = ""
    reason: str = ""
    outcome: Mapping[str, Any] = field(default_factory=dict)


class Engine:
    """Books the events of one case.

    Args:
        rule_sets: Compiled rules by version; may be shared between cases.
        window: Through which it looks at what became of an event.
    """

    def __init__(self, database: Database, rule_sets: dict[str, RuleSet], window: Window) -> None:
        self.database = database
        self.window = window
        self.now = LONG_AGO
        self._rule_sets = rule_sets
        self._terms: translate.Terms | None = None
        self._programmes: dict[str, Programme] = {}
        self.expiry_since: datetime | None = None
        self._texts = scenario_texts(())

    @property
    def in_force(self) -> translate.Terms:
        """The programme and the rules at this moment of the story."""
        assert self._terms is not None, "no settings are in force yet"
        return self._terms

    async def put_in_force(self, terms: translate.Terms, templates: Sequence[str] = ()) -> None:
        """Saves the programme and switches to the rules, as publishing does; books what that
        sets free (an order that waited for a rate)."""
        self._terms = terms
        self._texts = scenario_texts(templates, terms.settings.messaging.templates)
        self._rule_sets[terms.rules.version] = terms.rules
        async with self.database.begin() as connection:
            await rulebook.save_programme(connection, terms.programme, now=self.now)
            await rulebook.activate(
                connection,
                terms.rules.version,
                terms.rules.documents(),
                author=OWNER,
                reason="",
                now=self.now,
            )
            self.expiry_since = await expiry_since(connection)
        await self.work_off()

    def terms(self) -> Terms:
        """Under what the next batch is booked."""
        programme = self.in_force.programme
        return Terms(
            programme=programme,
            rules=self.in_force.rules,
            texts=self._texts,
            planner=Planner(programme, self._texts, _VENDORS, OWNER, self.now, links=LINKS),
            now=self.now,
            rules_of=self._rules_of,
            programme_of=_programme_of,
            older=self._rule_sets,
            older_programmes=self._programmes,
            expiry_since=self.expiry_since,
        )

    async def _rules_of(self, connection: AsyncConnection, version: str) -> RuleSet:
        documents = await rulebook.documents_of(connection, version)
        if documents is None:
            raise Stuck(f"the rules {version} of an earlier sale are not in the store")
        return RuleSet.from_documents(documents)

    # --- events

    async def take(self, event: Event, *, delivery_id: str | None = None) -> Ending:
        """Accepts an event and books it with all that follows from it."""
        is_new = await self.accept(event, delivery_id=delivery_id)
        if is_new:
            await self.work_off(event)
        return await self.ending(event, is_new=is_new)

    async def accept(self, event: Event, *, delivery_id: str | None = None) -> bool:
        """Takes an event in as the gateway does; False where it is known already."""
        incoming = Incoming(event, received_at=self.now, delivery_id=delivery_id)
        async with self.window.open() as connection:
            raw = await connection.get_raw_connection()
            driver: Any = raw.driver_connection
            return bool(await inbox.accept_alone(driver, [incoming]))

    async def work_off(self, event: Event | None = None) -> None:
        """Books until nothing waits. What another connection works on is left to it."""
        if event is not None:
            waiting = [event.trigger]
        else:
            async with self.window.open() as connection:
                waiting = list(await inbox.waiting(connection, now=self.now))
        tries = 0
        while waiting:
            tries += 1
            for trigger in [one for one in TRIGGERS if one in waiting]:
                is_booked, waiting = await self._book_next(trigger, waiting)
                tries = 0 if is_booked else tries
            if tries > _PATIENCE:
                raise Stuck(f"events of {', '.join(waiting)} wait and cannot be claimed")
            if tries:
                await asyncio.sleep(0.001)

    async def _book_next(self, trigger: str, waiting: list[str]) -> tuple[bool, list[str]]:
        """Books what waits for a trigger; whether anything did, and what waits now."""
        try:
            async with self.database.begin() as connection:
                items = await inbox.claim(connection, trigger, limit=1000, now=self.now)
                if items:
                    await book(connection, items, self.terms(), run_id=None)
                return bool(items), list(await inbox.waiting(connection, now=self.now))
        except DBAPIError as error:
            # Two transactions in each other's way: the same batch goes through when tried again.
            if str(getattr(error.orig, "sqlstate", "")) in _CONFLICTS:
                return True, waiting
            raise

    async def ending(self, event: Event, *, is_new: bool) -> Ending:
        """How an event ended so far."""
        async with self.window.open() as connection:
            row = (await connection.execute(_ENDING, {"key": event.business_key})).one()
        outcome = row.outcome or {}
        return Ending(
            is_new,
            row.state,
            code=outcome.get("code") or "",
            waits_for=row.waits_for,
            reason=row.reason,
            outcome=outcome,
        )


async def _programme_of(connection: AsyncConnection, version: str) -> Programme:
    programme = await rulebook.programme_of(connection, version)
    if programme is None:
        raise Stuck(f"the programme {version} of an earlier sale is not in the store")
    return programme


_ENDING = text("select state, waits_for, reason, outcome from inbox where business_key = :key")
