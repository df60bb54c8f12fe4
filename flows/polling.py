"""Asks vendors what changed, and feeds the inbox with it: the same facts, the same keys.

No Prefect here: the flow `reconcile` calls it, and so do tests. A walk may stop anywhere: a
page's events, the cursor behind it and the proof that the walk is still ours are one
transaction, so that the next one goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.kit.errors import AuthError, ConnectorError, QuotaExceeded, RateLimited
from connectors.kit.poll import Page, Poll
from connectors.kit.registry import manifest, slugs
from connectors.kit.toll import paying
from connectors.kit.webhook import Source
from flows.drift import Difference, compare, missed, told_by_webhook
from flows.refusals import refuse
from flows.retries import LONGEST_PAUSE, UNSAID_PAUSE
from flows.runtime import Hub
from flows.sending import Trouble, budget_name
from flows.tolls import BudgetUsedUp, toll_of
from loyalty.events import Event
from loyalty.store import budgets, inbox, polls
from loyalty.store.database import StoreAway
from loyalty.store.inbox import Incoming
from loyalty.store.polls import Turn

logger = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(seconds=30)
"""How soon a walk that failed is tried again; it doubles with each failure in a row."""

CHUNK = 500
"""Events in one statement at most: a vendor may put thousands on a page."""

MOST_KEPT = 200
"""How many missed, differing and unreadable records a walk names; all are counted."""


class TurnLost(Exception):
    """The lease ended meanwhile and another worker walks; what was committed stays."""


@dataclass(slots=True)
class Walked:
    """What one walk found.

    Attributes:
        is_first: Nothing was known before, so that nothing counts as missed.
        missed: The keys of events that a webhook should have told.
        problem: Why it did not come to its end; empty where it did.
    """

    connection: str
    is_first: bool = False
    read: int = 0
    new: int = 0
    pages: int = 0
    missed: list[str] = field(default_factory=list)
    differing: list[Difference] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(
        default_factory=lambda: {"missed": 0, "differing": 0, "repaired": 0, "unreadable": 0}
    )
    problem: str = ""
    trouble: Trouble | None = None

    def note(
        self, *, missed: list[str], differing: tuple[Difference, ...], unreadable: tuple[str, ...]
    ) -> None:
        """Counts what a page brought, and names the first of it."""
        self.counts["missed"] += len(missed)
        self.counts["differing"] += len(differing)
        self.counts["repaired"] += sum(one.is_repaired for one in differing)
        self.counts["unreadable"] += len(unreadable)
        self.missed += missed[: MOST_KEPT - len(self.missed)]
        self.differing += differing[: MOST_KEPT - len(self.differing)]
        self.unreadable += unreadable[: MOST_KEPT - len(self.unreadable)]

    @property
    def has_drifted(self) -> bool:
        """Whether somebody should look at the webhooks of this connection."""
        return bool(self.counts["missed"] or self.counts["differing"])


def polled(hub: Hub) -> dict[str, Poll]:
    """The connections that may be asked now, and how."""
    found = {}
    for slug, stored in hub.clients.stored.items():
        if stored.state == "active" and stored.connector in slugs():
            poll = manifest(stored.connector).poll
            if poll is not None:
                found[slug] = poll
    return found


async def take(
    hub: Hub, known: Mapping[str, Poll], *, limit: int, at_once: bool = False
) -> list[Turn]:
    """Leases what is due among these connections, and enrols those that are new."""
    now = hub.clock()
    every = {slug: poll.every for slug, poll in known.items()}
    async with hub.database.begin() as connection:
        await polls.enrol(connection, sorted(known), now=now)
        return await polls.take(
            connection,
            every,
            owner=hub.owner,
            now=now,
            limit=limit,
            at_once=at_once,
            alive=hub.patience(),
        )


async def walk(hub: Hub, turn: Turn, poll: Poll, *, since: datetime | None = None) -> Walked:
    """Walks one connection to its end, and settles the turn however it ends.

    Args:
        since: Read everything again from then on, in place of going on from the cursor.
    """
    done = Walked(turn.connection, is_first=not turn.cursor or since is not None)
    try:
        cursor = turn.cursor if since is None else _cursor_of(turn, since)
        await _pages(hub, turn, poll, cursor, done)
    except TurnLost:
        done.problem = "another worker went on with it"
    except asyncio.CancelledError:
        await asyncio.shield(_give_back(hub, turn))
        raise
    except Exception as error:  # noqa: BLE001 - one connection's failure stops no other
        await _failed(hub, turn, done, error)
    return done


def _cursor_of(turn: Turn, since: datetime) -> str:
    """The cursor that stands for an instant; only connections whose cursor is one can do that."""
    if turn.cursor:
        try:
            datetime.fromisoformat(turn.cursor)
        except ValueError:
            raise ConnectorError(
                "its cursor is a number of the vendor's own, not an instant: it goes on from "
                "where it is; leave `since` empty"
            ) from None
    return since.isoformat()


async def _pages(hub: Hub, turn: Turn, poll: Poll, cursor: str, done: Walked) -> None:
    line = hub.clients.line(turn.connection)
    source = Source(*turn.connection.split("/", 1))
    told = frozenset() if done.is_first else told_by_webhook(line.manifest)
    now = hub.clock()
    async with line.in_use():
        with paying(toll_of(hub, turn.connection)):
            pages = poll.changed_since(line.client, source, cursor=cursor, now=now)
            async with aclosing(pages) as walking:  # type: ignore[type-var]
                async for page in walking:
                    new, compared = await hub.database.persist(partial(_take_in, hub, turn, page))
                    done.pages += 1
                    done.read += len(page.events)
                    done.new += len(new)
                    done.note(
                        missed=missed(page.events, new, told, now=hub.clock()),
                        differing=compared,
                        unreadable=page.unreadable,
                    )
                    if hub.is_stopping:
                        await _give_back(hub, turn)
                        return
    await hub.database.persist(lambda connection: polls.settle(connection, turn, now=hub.clock()))


async def _take_in(
    hub: Hub, turn: Turn, page: Page, connection: AsyncConnection
) -> tuple[set[str], tuple[Difference, ...]]:
    """A page's events, what repairs ours, and the cursor behind them, in one transaction."""
    now = hub.clock()
    compared = await compare(connection, turn.connection, page.events)
    events: list[Event] = [*page.events, *compared.repairs]
    new: set[str] = set()
    for start in range(0, len(events), CHUNK):
        part = [Incoming(one, received_at=now) for one in events[start : start + CHUNK]]
        new |= await inbox.accept(connection, part)
    if not await polls.advance(connection, turn, page.cursor, now=now):
        raise TurnLost
    return new, compared.differences


async def _give_back(hub: Hub, turn: Turn) -> None:
    await hub.database.persist(
        lambda connection: polls.give_back(connection, turn, now=hub.clock())
    )


async def _failed(hub: Hub, turn: Turn, done: Walked, error: Exception) -> None:
    """Settles a walk that failed: refused, parked for as long as the vendor asks, or again."""
    if hub.is_stopping:
        await _give_back(hub, turn)
        return
    if not isinstance(error, (ConnectorError, StoreAway)):
        logger.error("asking %s failed", turn.connection, exc_info=error)
    done.problem = _in_words(error)
    now = hub.clock()
    if isinstance(error, AuthError) and await refuse(hub, turn.connection, done.problem):
        done.trouble = Trouble("refused", turn.connection, done.problem)
    next_at = _next_at(error, turn.failures, now)
    is_pause = isinstance(error, (RateLimited, QuotaExceeded))

    async def settle(connection: AsyncConnection) -> None:
        if is_pause and not isinstance(error, BudgetUsedUp):
            await budgets.block(connection, budget_name(turn.connection), next_at)
        await polls.settle(connection, turn, now=now, problem=done.problem, next_at=next_at)

    await hub.database.persist(settle)


def _in_words(error: Exception) -> str:
    match error:
        case ConnectorError():
            return error.message
        case StoreAway():
            return "the database was away"
        case _:
            return f"the connector failed with {type(error).__name__}: see the worker's log"


def _next_at(error: Exception, failures: int, now: datetime) -> datetime:
    match error:
        case AuthError():
            return now  # Nobody asks a refused connection; once it is renewed, it is due.
        case RateLimited():
            return now + (error.retry_after or UNSAID_PAUSE)
        case QuotaExceeded():
            return error.resets_at or now + LONGEST_PAUSE
        case _:
            return now + min(FIRST_PAUSE * 2 ** min(failures, 10), LONGEST_PAUSE)
