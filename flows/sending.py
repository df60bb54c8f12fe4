"""Sends the deliveries of one connection: budget, mark, call, mark, as few commits as can be."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.kit.action import Action, Idempotency, Job, Sent
from connectors.kit.errors import ConnectorBug, ConnectorError
from flows.clients import Line
from flows.retries import Fate, fate_of
from loyalty.store import budgets, connections, deliveries
from loyalty.store.budgets import Grant
from loyalty.store.deliveries import Delivery, Outcome

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=2)
"""Longest wait for a budget inside the process; beyond it, deliveries are parked."""

PAUSE_AFTER_FAILURE = timedelta(seconds=10)
"""How long deliveries wait when sending failed for a reason of ours."""


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
    """

    hub: Any
    slug: str
    queue: asyncio.Queue[Delivery | None] = field(default_factory=asyncio.Queue)
    counts: Counter[str] = field(default_factory=Counter)
    troubles: list[Trouble] = field(default_factory=list)
    _unwritten: list[Outcome] = field(default_factory=list)
    _is_refused: bool = False
    _jitter: random.Random = field(default_factory=random.Random)

    async def run(self) -> Counter[str]:
        """Sends until None comes in; returns how many deliveries ended in which state."""
        backlog: list[Delivery] = []
        is_open = True
        try:
            while is_open or backlog:
                is_open = await self._fill(backlog) and is_open
                if backlog:
                    await self._round_safely(backlog)
                else:
                    await self._write()
        finally:
            await self._write()
            await self._give_back(backlog)
        return self.counts

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
        try:
            line = self.hub.clients.line(self.slug)
        except ConnectorError as error:
            await self._refuse(error.message)
            line = None
        if line is None or self._is_refused:
            await self._hold(backlog)
            return
        action = line.manifest.action(backlog[0].action)
        chunk = backlog[: self._chunk_size(line, action)]
        begun, retry_at = await self._begin(line, action, chunk)
        del backlog[: begun.taken]
        if begun.mine:
            await self._send(line, action, begun.mine)
        if retry_at is not None:
            await self._wait_or_park(retry_at, backlog)

    def _chunk_size(self, line: Line, action: Action) -> int:
        if action.run_batch is not None:
            return action.batch_size * min(line.manifest.limit.concurrency, 2)
        return line.manifest.limit.concurrency * 2

    async def _begin(
        self, line: Line, action: Action, chunk: Sequence[Delivery]
    ) -> tuple[Begun, datetime | None]:
        """Takes the budget and marks what may go, in one transaction with earlier outcomes."""
        now = self.hub.clock()
        per_call = action.batch_size if line.manifest.limit.batch_costs_one else 1
        per_call = per_call if action.run_batch else 1
        calls = -(-len(chunk) // per_call)

        async def mark(connection: AsyncConnection) -> tuple[Grant, set[UUID]]:
            await self._write_in(connection)
            grant = await budgets.take(connection, budget_name(self.slug), calls, now=now)
            ids = [one.id for one in chunk[: grant.slots * per_call]]
            return grant, await deliveries.begin(connection, ids, owner=self.hub.owner, now=now)

        grant, ids = await self.hub.database.persist(mark)
        self._unwritten.clear()
        granted = chunk[: grant.slots * per_call]
        mine = [one for one in granted if one.id in ids]
        for one in mine:
            one.attempts += 1
        return Begun(len(granted), mine), grant.retry_at

    async def _send(self, line: Line, action: Action, mine: Sequence[Delivery]) -> None:
        if action.run_batch is not None:
            size = action.batch_size
            groups = [mine[i : i + size] for i in range(0, len(mine), size)]
            await asyncio.gather(*(self._call_batch(line, action, group) for group in groups))
        else:
            await asyncio.gather(*(self._call(line, action, one) for one in mine))

    async def _call(self, line: Line, action: Action, delivery: Delivery) -> None:
        started = self.hub.clock()
        result: Sent | Exception
        async with line.gauge:
            try:
                job = job_of(action, delivery)
                result = await self._found(line, action, job, delivery) or await action.run(
                    line.client, job
                )
            except Exception as error:  # noqa: BLE001 - whatever a connector raises has a fate
                result = error
        await self._settle(action, delivery, result, started)

    async def _found(self, line: Line, action: Action, job: Job, delivery: Delivery) -> Sent | None:
        """For an action that can look first: what an earlier attempt left behind, if anything."""
        if action.idempotency is Idempotency.SEARCH_FIRST and delivery.attempts > 1:
            assert action.find is not None
            return await action.find(line.client, job)
        return None

    async def _call_batch(self, line: Line, action: Action, group: Sequence[Delivery]) -> None:
        """One call for many; those that were tried before are looked up one by one first."""
        if action.idempotency is Idempotency.SEARCH_FIRST:
            again = [one for one in group if one.attempts > 1]
            for one in again:
                await self._call(line, action, one)
            group = [one for one in group if one.attempts == 1]
        if not group:
            return
        assert action.run_batch is not None
        started = self.hub.clock()
        results: Sequence[Any]
        async with line.gauge:
            try:
                jobs = [job_of(action, one) for one in group]
                results = await action.run_batch(line.client, jobs)
                if len(results) != len(group):
                    raise ConnectorBug(f"{len(results)} outcomes for {len(group)} jobs")
            except Exception as error:  # noqa: BLE001 - it applies to every job of the call
                results = [error] * len(group)
        for delivery, result in zip(group, results, strict=True):
            await self._settle(action, delivery, result, started)

    async def _settle(
        self, action: Action, delivery: Delivery, result: Sent | Exception, started: datetime
    ) -> None:
        now = self.hub.clock()
        if isinstance(result, Sent):
            self._note(Outcome(delivery, "sent", started, now, vendor_id=result.vendor_id))
            return
        fate = fate_of(result, action, attempt=delivery.attempts, now=now, jitter=self._jitter)
        if not isinstance(result, ConnectorError):
            logger.error("%s failed on %s", self.slug, delivery.key, exc_info=result)
        if not fate.counts:
            delivery.attempts -= 1
        self._note(
            Outcome(
                delivery,
                fate.state,
                started,
                now,
                reason=fate.reason,
                next_attempt_at=fate.next_attempt_at,
                vendor_code=getattr(result, "vendor_code", None) or "",
                request_id=getattr(result, "request_id", None) or "",
                attempted=fate.counts,
            )
        )
        await self._consequences(delivery, fate)

    async def _consequences(self, delivery: Delivery, fate: Fate) -> None:
        if fate.state in ("dead", "unknown"):
            self.troubles.append(Trouble(fate.state, self.slug, fate.reason, delivery))
        if fate.blocks_until is not None:
            until = fate.blocks_until
            await self.hub.database.persist(
                lambda connection: budgets.block(connection, budget_name(self.slug), until)
            )
        if fate.refuses:
            await self._refuse(fate.reason)

    async def _refuse(self, reason: str) -> None:
        """Marks the connection as refused, for everybody; only the first one tells of it."""
        self._is_refused = True
        connector, _, name = self.slug.partition("/")
        is_first = await self.hub.database.persist(
            lambda connection: connections.set_state(
                connection,
                connector,
                name,
                state="refused",
                reason=reason,
                now=self.hub.clock(),
                unless=("paused", "absent"),
            )
        )
        if is_first:
            self.troubles.append(Trouble("refused", self.slug, reason))

    async def _hold(self, backlog: list[Delivery]) -> None:
        now = self.hub.clock()
        for delivery in backlog:
            reason = f"{self.slug} is refused: renew its credentials in the Prefect UI"
            self._note(Outcome(delivery, "held", now, now, reason=reason, attempted=False))
        backlog.clear()
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
                    delivery,
                    "parked",
                    now,
                    now,
                    reason=reason,
                    next_attempt_at=until,
                    attempted=False,
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
    """How many of a chunk were taken up, and which of them are still ours to send."""

    taken: int
    mine: list[Delivery]


def job_of(action: Action, delivery: Delivery) -> Job:
    """The job as the connector takes it; ConnectorBug where the stored input does not fit."""
    try:
        return Job(delivery.key, action.input.model_validate(delivery.input))
    except ValidationError as error:
        raise ConnectorBug(f"the stored input does not fit {action.name}: {error.title}") from None


def budget_name(slug: str) -> str:
    """The name of a connection's budget, the same as that of its Prefect limit."""
    return "limit:" + slug.replace("/", ":")
