"""Group commit: requests that arrive together share one transaction, and none waits for others.

Whoever is queued while a commit is under way goes with the next one; nobody is held back to
wait for company. A row that the database cannot take does not fail its neighbours. While the
database is away everybody is told so at once, and a queue that is full refuses at the door.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import words as words_of
from gateway.lane import Lane
from gateway.stack import stack_of
from gateway.work import Bounds, CommitObserver, Crowded, Kept, Rejection, Unstorable, Word, Work
from loyalty.store import inbox
from loyalty.store.database import Database, StoreAway
from loyalty.store.inbox import Incoming

logger = logging.getLogger("hub.gateway")

_RETRIED = ("40001", "40P01")
"""Serialization failure and deadlock: nothing is wrong with the rows."""

_PAUSES = (0.02, 0.1, 0.3)
"""Seconds between the attempts of one group."""

_BAD_ROW = ("22", "23", "54")
"""Data that is out of range, breaks a constraint, or is too large for an index."""


@dataclass(slots=True)
class _Place:
    """A request in the queue.

    Attributes:
        apart: What no two transactions may insert at once: its events' keys and subjects.
    """

    work: Work
    size: int
    apart: frozenset[str]
    kept: asyncio.Future[Kept] = field(default_factory=lambda: asyncio.Future())


class GroupCommit:
    """Keeps what requests bring, many in one transaction."""

    def __init__(
        self, database: Database, *, observer: CommitObserver, bounds: Bounds | None = None
    ) -> None:
        self._database = database
        self._observer = observer
        self._bounds = bounds or Bounds()
        self._queue: deque[_Place] = deque()
        self._queued_bytes = 0
        self._under_way: set[str] = set()
        self._commits: set[asyncio.Task[None]] = set()
        self._is_pump_due = False
        self._lanes = [Lane(database.driver_url) for _ in range(self._bounds.in_flight)]

    @property
    def waiting(self) -> int:
        """How many requests wait for a transaction."""
        return len(self._queue)

    async def keep(self, work: Work) -> Kept:
        """Returns once the work is committed.

        Raises:
            Crowded: Too much waits already.
            Unstorable: The database cannot take it, now or later.
            StoreAway: The database is away, or took too long.
        """
        place = _Place(work, work.size, _apart(work))
        bounds = self._bounds
        if (
            len(self._queue) >= bounds.waiting
            or self._queued_bytes + place.size > bounds.waiting_bytes
        ):
            raise Crowded
        self._queue.append(place)
        self._queued_bytes += place.size
        self._pump_soon()
        loop = asyncio.get_running_loop()
        patience = loop.call_later(bounds.patience_seconds, _lose_patience, place)
        try:
            return await place.kept
        finally:
            patience.cancel()

    async def drain(self) -> None:
        """Waits until nothing is queued or under way."""
        while self._queue or self._commits:
            await (asyncio.wait(self._commits) if self._commits else asyncio.sleep(0))

    async def aclose(self) -> None:
        """Finishes what is queued or under way, and closes the connections."""
        await self.drain()
        for lane in self._lanes:
            lane.drop()

    def _pump_soon(self) -> None:
        # At the end of this turn of the loop, so that all who arrived in it go together.
        if not self._is_pump_due and len(self._commits) < self._bounds.in_flight:
            self._is_pump_due = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._is_pump_due = False
        while self._queue and len(self._commits) < self._bounds.in_flight:
            group = self._next_group()
            if not group:
                return
            names = frozenset[str]().union(*(place.apart for place in group))
            self._under_way |= names
            task = asyncio.create_task(self._work_off(group, names))
            self._commits.add(task)

    def _next_group(self) -> list[_Place]:
        """The next requests in order of arrival.

        A request with an event that another transaction is inserting waits for that one:
        two transactions that insert the same keys in different order would block each other.
        So does one about a subject of another transaction: the later one might be committed
        first, and a worker would work off the person's later event before the earlier.
        """
        group: list[_Place] = []
        held_back: list[_Place] = []
        size = 0
        while self._queue and len(group) < self._bounds.group and size < self._bounds.group_bytes:
            place = self._queue.popleft()
            if place.kept.done():
                self._queued_bytes -= place.size
            elif not self._under_way.isdisjoint(place.apart):
                held_back.append(place)
            else:
                group.append(place)
                size += place.size
                self._queued_bytes -= place.size
        self._queue.extendleft(reversed(held_back))
        return group

    async def _work_off(self, group: list[_Place], names: frozenset[str]) -> None:
        try:
            await self._commit_or_part(group)
        finally:
            self._under_way -= names
            task = asyncio.current_task()
            assert task is not None
            self._commits.discard(task)
            self._pump()

    async def _commit_or_part(self, group: list[_Place]) -> None:
        started = perf_counter()
        try:
            kept = await self._commit([place.work for place in group])
        except Exception as error:  # noqa: BLE001 - whatever it is, each request gets an answer
            if _is_away(error) or len(group) == 1:
                _fail(group, _verdict(error))
                return
            for place in group:
                await self._commit_or_part([place])
            return
        self._observer.committed(len(group), perf_counter() - started)
        for place, one in zip(group, kept, strict=True):
            if not place.kept.done():
                place.kept.set_result(one)

    async def _commit(self, works: Sequence[Work]) -> list[Kept]:
        """One transaction; tried again where the way to the database broke, or it was the victim.

        A connection from before a restart of PostgreSQL shows only when it is used. To try
        again is safe even where the commit went through: the keys are known then. The pause
        lets the other side of a deadlock have what it waited for.
        """
        async with asyncio.timeout(self._bounds.commit_seconds):
            for pause in _PAUSES:
                try:
                    return await self._transaction(works)
                except StoreAway:
                    if pause > _PAUSES[0]:
                        raise
                except (DBAPIError, asyncpg.PostgresError) as error:
                    if _state(error) not in _RETRIED:
                        raise
                await asyncio.sleep(pause)
            return await self._transaction(works)

    async def _transaction(self, works: Sequence[Work]) -> list[Kept]:
        incoming = [one for work in works for one in work.incoming]
        rejections = [work.rejection for work in works if work.rejection is not None]
        words = [work.word for work in works if work.word is not None]
        if rejections or words:
            fresh = await self._together(incoming, rejections, words)
        else:
            lane = self._lanes.pop()
            try:
                fresh = await lane.accept(incoming)
            finally:
                self._lanes.append(lane)
        return [_kept(work, fresh) for work in works]

    async def _together(
        self,
        incoming: Sequence[Incoming],
        rejections: Sequence[Rejection],
        words: Sequence[Word],
    ) -> set[str]:
        async with self._database.begin() as connection:
            fresh = await inbox.accept(connection, incoming) if incoming else set()
            for rejection in rejections:
                await _reject(connection, rejection)
            for word in words:
                await words_of.keep(connection, word)
        return fresh


def _keys_of(work: Work) -> list[str]:
    return [one.event.business_key for one in work.incoming]


def _apart(work: Work) -> frozenset[str]:
    events = [one.event for one in work.incoming]
    return frozenset([name for one in events for name in (one.business_key, one.subject)])


def _kept(work: Work, fresh: set[str]) -> Kept:
    """Counts a key as new for the first request of the group that brought it."""
    accepted = 0
    for key in _keys_of(work):
        if key in fresh:
            fresh.discard(key)
            accepted += 1
    return Kept(accepted, len(work.incoming) - accepted)


async def _reject(connection: AsyncConnection, rejection: Rejection) -> None:
    await inbox.reject(
        connection,
        connector=rejection.connector,
        name=rejection.connection,
        received_at=rejection.received_at,
        problem=rejection.problem,
        headers=rejection.headers,
        body=rejection.body,
    )


def _lose_patience(place: _Place) -> None:
    _fail([place], StoreAway("PostgreSQL did not answer in time"))


def _fail(group: Sequence[_Place], error: Exception) -> None:
    for place in group:
        if not place.kept.done():
            place.kept.set_exception(error)


def _is_away(error: Exception) -> bool:
    if isinstance(error, asyncpg.PostgresError):
        return not _state(error)
    return isinstance(error, (StoreAway, OSError, asyncpg.InterfaceError))


def _verdict(error: Exception) -> Exception:
    """What a request is told: that its content cannot be kept, or to come again."""
    is_answer = isinstance(error, (DBAPIError, asyncpg.PostgresError))
    if (is_answer and _state(error)[:2] in _BAD_ROW) or isinstance(error, ValueError):
        return Unstorable(_CANNOT_BE_KEPT)  # ValueError: text without a UTF-8 form, seen at once
    if not _is_away(error):
        logger.error("a group could not be committed: %s", stack_of(error))
    return error if isinstance(error, StoreAway) else StoreAway("PostgreSQL cannot be used")


_CANNOT_BE_KEPT = "a text or number in it cannot be stored, such as a NUL or half a character"


def _state(error: Exception) -> str:
    """The SQLSTATE, whether SQLAlchemy or the driver itself reports."""
    return str(getattr(getattr(error, "orig", error), "sqlstate", "") or "")
