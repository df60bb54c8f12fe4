"""Sends the deliveries of one connection: budget, mark, call, mark, as few commits as can be."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.kit.action import Action, Job, Sent
from connectors.kit.errors import ConnectorBug, ConnectorError, OutcomeUnknown
from flows.clients import Line
from flows.hooks_out import end_subscription, has_unsubscribed
from flows.jobs import alike, chunk_size, found_before, job_of, looks_first
from flows.refusals import refuse
from flows.retries import Fate, fate_of
from loyalty.store import budgets, deliveries
from loyalty.store.budgets import Departure, Grant
from loyalty.store.deliveries import Delivery, Outcome

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=2)
"""Longest wait for a budget inside the process; beyond it, deliveries are parked."""

PAUSE_AFTER_FAILURE = timedelta(seconds=10)
"""How long deliveries wait when sending failed for a reason of ours."""


SAME_PAUSE = timedelta(seconds=1)
"""Pauses that a vendor asks for within this time are the same one."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something operations should hear of: a dead or unknown delivery, a refused connection."""

    kind: str
    slug: str
    reason: str
    delivery: Delivery | None = None


@dataclass(slots=True)
class Sender:
    """Works off the deliveries of one connection as they come in.

    Args:
        hub: The process's runtime (database, clock, owner).
        slug: The connection, `twilio/main`.
        is_winding_up: Nothing more is begun; what is left is given back.
        begun: Set once the first calls are back, or nothing came of them.
    """

    hub: Any
    slug: str
    queue: asyncio.Queue[Delivery | None] = field(default_factory=asyncio.Queue)
    is_winding_up: bool = False
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    counts: Counter[str] = field(default_factory=Counter)
    troubles: list[Trouble] = field(default_factory=list)
    _unwritten: list[Outcome] = field(default_factory=list)
    _is_refused: bool = False
    _blocked: datetime | None = None
    _jitter: random.Random = field(default_factory=random.Random)
    _took_at: datetime | None = None
    _left_at: datetime | None = None

    async def run(self) -> Counter[str]:
        """Sends until None comes in; returns how many deliveries ended in which state."""
        backlog: list[Delivery] = []
        is_open = True
        try:
            while (is_open or backlog) and not (self.is_winding_up or self.hub.is_stopping):
                is_open = await self._fill(backlog) and is_open
                if backlog:
                    await self._round_safely(backlog)
                    self.begun.set()
                else:
                    await self._write()
        finally:
            self.begun.set()
            await self.let_go(backlog)
        return self.counts

    async def let_go(self, backlog: list[Delivery]) -> None:
        """At the end, also a sudden one: writes down what is known, gives back the rest."""
        while not self.queue.empty():
            waiting = self.queue.get_nowait()
            if waiting is not None:
                backlog.append(waiting)
        await self._write()
        await self._give_back(backlog)

    async def _round_safely(self, backlog: list[Delivery]) -> None:
        """A round that fails for a reason of ours costs a pause and nothing else."""
        try:
            await self._round(backlog)
        except Exception as error:
            logger.exception("sending through %s failed", self.slug)
            reason = f"the hub failed ({type(error).__name__}): see the worker's log"
            await self._park(backlog, self.hub.clock() + PAUSE_AFTER_FAILURE, reason)

    async def _fill(self, backlog: list[Delivery]) -> bool:
        """Takes in what waits; waits for more only with empty hands. False at the end."""
        if not backlog and not self._unwritten and self.queue.empty():
            first = await self.queue.get()
            if first is None:
                return False
            backlog.append(first)
        while not self.queue.empty():
            following = self.queue.get_nowait()
            if following is None:
                return False
            backlog.append(following)
        return True

    async def _round(self, backlog: list[Delivery]) -> None:
        problem = self.hub.clients.problem(self.slug)
        if problem or self._is_refused:
            await self._hold(backlog, problem)
            return
        try:
            line = self.hub.clients.line(self.slug)
        except ConnectorError as error:
            await self._refuse(error.message)
            await self._hold(backlog)
            return
        async with line.in_use():
            await self._send_some(line, backlog)

    async def _send_some(self, line: Line, backlog: list[Delivery]) -> None:
        try:
            action = line.manifest.action(backlog[0].action)
        except KeyError as error:
            await self._bury(backlog, str(error.args[0]))
            return
        chunk = alike(backlog, action)[: chunk_size(line, action)]
        begun, retry_at = await self._begin(line, action, chunk)
        gone = {one.id for one in begun.taken}
        backlog[:] = [one for one in backlog if one.id not in gone]
        if begun.mine:
            await self._send(line, action, begun)
        if retry_at is not None:
            await self._wait_or_park(retry_at, backlog)

    async def _begin(
        self, line: Line, action: Action, chunk: Sequence[Delivery]
    ) -> tuple[Begun, datetime | None]:
        """Takes the budget and marks what may go, in one transaction with earlier outcomes."""
        now = self.hub.clock()
        is_batch = action.run_batch is not None and not looks_first(action, chunk[0])
        per_slot = action.batch_size if is_batch and line.manifest.limit.batch_costs_one else 1
        slots = -(-len(chunk) // per_slot)

        before = (
            Departure(self._took_at, self._left_at) if self._took_at and self._left_at else None
        )
        self._took_at = now

        async def mark(connection: AsyncConnection) -> tuple[Grant, set[UUID]]:
            await self._write_in(connection)
            grant = await budgets.take(
                connection, budget_name(self.slug), slots, now=now, before=before
            )
            ids = [one.id for one in chunk[: grant.slots * per_slot]]
            if action.idempotency.may_resend:
                # A repeated call is harmless, so a crash needs no mark: that saves a write each.
                return grant, await deliveries.leased(connection, ids, owner=self.hub.owner)
            return grant, await deliveries.begin(connection, ids, owner=self.hub.owner, now=now)

        grant, ids = await self._marked(mark, chunk)
        taken = chunk[: grant.slots * per_slot]
        mine = [one for one in taken if one.id in ids]
        for one in mine:
            one.attempts += 1
        return Begun(taken, mine, is_batch), grant.retry_at

    async def _marked(
        self,
        mark: Callable[[AsyncConnection], Awaitable[tuple[Grant, set[UUID]]]],
        chunk: Sequence[Delivery],
    ) -> tuple[Grant, set[UUID]]:
        """Marks, and is not interrupted: what was marked and not called would look lost."""
        marking = asyncio.ensure_future(self.hub.database.persist(mark))
        try:
            grant, ids = await asyncio.shield(marking)
        except asyncio.CancelledError:
            await asyncio.wait([marking])
            if marking.exception() is None:
                self._unwritten.clear()
                self._unbegin([one for one in chunk if one.id in marking.result()[1]])
            raise
        self._unwritten.clear()
        return grant, ids

    def _unbegin(self, begun: Sequence[Delivery]) -> None:
        now = self.hub.clock()
        for delivery in begun:
            self._note(Outcome(delivery, "pending", now, now, attempted=False))

    async def _send(self, line: Line, action: Action, begun: Begun) -> None:
        mine = begun.mine
        if begun.is_batch:
            size = action.batch_size
            groups = [mine[i : i + size] for i in range(0, len(mine), size)]
            await asyncio.gather(*(self._call_batch(line, action, group) for group in groups))
        else:
            await asyncio.gather(*(self._call(line, action, one) for one in mine))

    async def _call(self, line: Line, action: Action, delivery: Delivery) -> None:
        async def run() -> list[Sent | Exception]:
            job = job_of(action, delivery)
            found = await found_before(line, action, job, delivery)
            return [found or await action.run(line.client, job)]

        await self._attempt(line, action, [delivery], run)

    async def _call_batch(self, line: Line, action: Action, group: Sequence[Delivery]) -> None:
        """One call for many; what does not fit the action is settled alone and stops no other."""
        fitting: dict[UUID, Job] = {}
        for one in group:
            try:
                fitting[one.id] = job_of(action, one)
            except ConnectorBug as error:
                await self._settle(action, one, error, self.hub.clock())

        async def run() -> Sequence[Sent | Exception]:
            assert action.run_batch is not None
            results = await action.run_batch(line.client, list(fitting.values()))
            if len(results) != len(fitting):
                raise ConnectorBug(f"{len(results)} outcomes for {len(fitting)} jobs")
            return results

        if fitting:
            await self._attempt(line, action, [one for one in group if one.id in fitting], run)

    async def _attempt(
        self,
        line: Line,
        action: Action,
        group: Sequence[Delivery],
        run: Callable[[], Awaitable[Sequence[Sent | Exception]]],
    ) -> None:
        """One call. However it ends, each of its deliveries has an outcome afterwards."""
        started = self.hub.clock()
        has_left = False
        results: Sequence[Sent | Exception]
        try:
            async with line.gauge:
                has_left = True
                self._left_at = self.hub.clock()
                try:
                    results = await run()
                except Exception as error:  # noqa: BLE001 - whatever a connector raises has a fate
                    results = [error] * len(group)
        except asyncio.CancelledError:
            self._break_off(action, group, started, has_left=has_left)
            raise
        for delivery, result in zip(group, results, strict=True):
            await self._settle(action, delivery, result, started)

    def _break_off(
        self, action: Action, group: Sequence[Delivery], started: datetime, *, has_left: bool
    ) -> None:
        """The run was cancelled: a call that was under way may or may not have arrived."""
        for delivery in group:
            if has_left:
                error = OutcomeUnknown("the run was cancelled while the call was under way")
                self._note(self._outcome(delivery, self._fate(action, delivery, error), started))
            else:
                delivery.attempts -= 1
                self._unbegin([delivery])

    async def _settle(
        self, action: Action, delivery: Delivery, result: Sent | Exception, started: datetime
    ) -> None:
        if isinstance(result, Sent):
            now = self.hub.clock()
            self._note(Outcome(delivery, "sent", started, now, vendor_id=result.vendor_id))
            return
        if not isinstance(result, ConnectorError):
            logger.error("%s failed on %s", self.slug, delivery.id, exc_info=result)
        fate = self._fate(action, delivery, result)
        self._note(self._outcome(delivery, fate, started, result))
        await self._consequences(delivery, fate)

    def _fate(self, action: Action, delivery: Delivery, error: Exception) -> Fate:
        if has_unsubscribed(delivery, error):
            return Fate("cancelled", str(error))
        now = self.hub.clock()
        fate = fate_of(error, action, attempt=delivery.attempts, now=now, jitter=self._jitter)
        if not fate.counts:
            delivery.attempts -= 1
        return fate

    def _outcome(
        self, delivery: Delivery, fate: Fate, started: datetime, error: Exception | None = None
    ) -> Outcome:
        return Outcome(
            delivery,
            fate.state,
            started,
            self.hub.clock(),
            reason=fate.reason,
            next_attempt_at=fate.next_attempt_at,
            vendor_code=getattr(error, "vendor_code", None) or "",
            request_id=getattr(error, "request_id", None) or "",
            attempted=fate.counts,
        )

    async def _consequences(self, delivery: Delivery, fate: Fate) -> None:
        if fate.state == "cancelled":
            await end_subscription(self.hub, delivery)
        if fate.state in ("dead", "unknown"):
            self.troubles.append(Trouble(fate.state, self.slug, fate.reason, delivery))
        until = fate.blocks_until
        # The many calls of one burst that are all refused make one pause.
        if until is not None and (self._blocked is None or until > self._blocked + SAME_PAUSE):
            self._blocked = until
            await self.hub.database.persist(
                lambda connection: budgets.block(connection, budget_name(self.slug), until)
            )
        if fate.refuses:
            await self._refuse(fate.reason)

    async def _refuse(self, reason: str) -> None:
        """Marks the connection as refused, for everybody; only the first one tells of it."""
        if self._is_refused:
            return
        self._is_refused = True
        if await refuse(self.hub, self.slug, reason):
            self.troubles.append(Trouble("refused", self.slug, reason))

    async def _hold(self, backlog: list[Delivery], reason: str = "") -> None:
        now = self.hub.clock()
        reason = reason or f"{self.slug} is refused: renew its credentials in the Prefect UI"
        for delivery in backlog:
            self._note(Outcome(delivery, "held", now, now, reason=reason, attempted=False))
        backlog.clear()
        await self._write()

    async def _bury(self, backlog: list[Delivery], reason: str) -> None:
        """Ends deliveries for an action that the connector does not have (any more)."""
        now = self.hub.clock()
        lost = [one for one in backlog if one.action == backlog[0].action]
        backlog[:] = [one for one in backlog if one.action != lost[0].action]
        for delivery in lost:
            self._note(Outcome(delivery, "dead", now, now, reason=reason, attempted=False))
            self.troubles.append(Trouble("dead", self.slug, reason, delivery))
        await self._write()

    async def _wait_or_park(self, retry_at: datetime, backlog: list[Delivery]) -> None:
        """The budget is used up: waits a little for it, or parks what is left until then."""
        wait = retry_at - self.hub.clock()
        if wait <= PATIENCE:
            await self._write()
            await asyncio.sleep(max(wait.total_seconds(), 0.0))
            return
        reason = f"the budget of {self.slug} is used up until then"
        await self._park(backlog, retry_at, reason)

    async def _park(self, backlog: list[Delivery], until: datetime, reason: str) -> None:
        now = self.hub.clock()
        for delivery in backlog:
            self._note(
                Outcome(
                    delivery, "parked", now, now, reason, next_attempt_at=until, attempted=False
                )
            )
        backlog.clear()
        await self._write()

    def _note(self, outcome: Outcome) -> None:
        self.counts[outcome.state] += 1
        self._unwritten.append(outcome)

    async def _write(self) -> None:
        if self._unwritten:
            await self.hub.database.persist(self._write_in)
            self._unwritten.clear()

    async def _write_in(self, connection: AsyncConnection) -> None:
        if self._unwritten:
            await deliveries.finish(connection, self._unwritten)

    async def _give_back(self, backlog: Sequence[Delivery]) -> None:
        ids = [one.id for one in backlog]
        if ids:
            await self.hub.database.persist(
                lambda connection: deliveries.give_back(connection, ids, owner=self.hub.owner)
            )


@dataclass(frozen=True, slots=True)
class Begun:
    """Which of a chunk were taken up, and which of them are still ours to send."""

    taken: Sequence[Delivery]
    mine: list[Delivery]
    is_batch: bool


def budget_name(slug: str) -> str:
    """The name of a connection's budget, the same as that of its Prefect limit."""
    return "limit:" + slug.replace("/", ":")
