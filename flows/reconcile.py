"""The flow `reconcile`: asks shops, tills and CRMs what changed, for what webhooks missed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import Annotated

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import Field

from connectors.kit.poll import Poll
from flows.bells import Bell
from flows.drift_report import report_walks
from flows.parameters import WaitMinutes
from flows.polling import Walked, polled, take, walk
from flows.runtime import Hub, runtime
from loyalty.store.polls import Turn

TRIGGER = "reconcile"
AT_ONCE = 4
"""How many connections are asked side by side."""

MOST = 20
"""How many connections one run takes."""

Connections = Annotated[list[str], Field(max_length=100)]


@flow(name="reconcile", persist_result=False)
async def reconcile(
    connections: Connections = [],  # noqa: B006 - Prefect shows the default in the form
    since: datetime | None = None,
    wait_minutes: WaitMinutes = 0,
) -> None:
    """Asks what changed since the last look, and books what no webhook told. Nothing counts twice.

    Runs by itself when a connection is due, and within seconds where a vendor rings. Start it by
    hand to ask at once. The run's table tells what was read, missed, different and unreadable.

    Args:
        connections: Ask these at once, such as shopify/main. Empty for all that are due.
        since: With connections: read everything again from this instant on. Empty goes on from
            where the last look ended.
        wait_minutes: How long to stand by until something is due. 0 asks what is due now.
    """
    if since is not None and not connections:
        raise ValueError("name the connections that are to be read again from that instant on")
    async with runtime() as hub:
        if connections or not wait_minutes:
            await _work(hub, None, named=connections, since=since)
            return
        bell = hub.bells.of(TRIGGER)
        deadline = hub.clock().timestamp() + wait_minutes * 60
        while (left := deadline - hub.clock().timestamp()) > 0 and not hub.is_stopping:
            if not await bell.stand_by(left):
                return
            if await _work(hub, bell):
                return


async def _work(
    hub: Hub, bell: Bell | None, *, named: Sequence[str] = (), since: datetime | None = None
) -> int:
    """Takes what is due and walks it; how many connections that were."""
    try:
        await hub.clients.refresh()
        known = _chosen(polled(hub), named)
        turns = await take(hub, known, limit=max(MOST, len(named)), at_once=bool(named))
        if turns and hub.on_taken is not None:
            hub.on_taken(TRIGGER)
    finally:
        if bell is not None:
            bell.release()
    busy = sorted(set(named) - {one.connection for one in turns})
    if busy:
        get_run_logger().info("another run asks %s at the moment", ", ".join(busy))
    if turns:
        walks = await _walk_all(hub, turns, known, since)
        await report_walks(walks)
        if bell is not None:
            bell.ring()  # There may be more: for the run that comes next.
    return len(turns)


def _chosen(known: Mapping[str, Poll], named: Sequence[str]) -> dict[str, Poll]:
    unknown = sorted(set(named) - set(known))
    if unknown:
        raise ValueError(
            f"{', '.join(unknown)} cannot be asked: no such connection, not active, or nothing "
            f"to ask; these can: {', '.join(sorted(known)) or 'none'}"
        )
    return {slug: poll for slug, poll in known.items() if not named or slug in named}


async def _walk_all(
    hub: Hub, turns: Sequence[Turn], known: Mapping[str, Poll], since: datetime | None
) -> list[Walked]:
    gauge = asyncio.Semaphore(AT_ONCE)

    async def one(turn: Turn) -> Walked:
        async with gauge:
            found: list[Walked] = []
            _CURRENT.set((hub, turn, known[turn.connection], since, found))
            await ask.with_options(task_run_name=f"ask {turn.connection}")(turn.connection)
            return found[0]

    return list(await asyncio.gather(*(one(turn) for turn in turns)))


_CURRENT: ContextVar[tuple[Hub, Turn, Poll, datetime | None, list[Walked]]] = ContextVar("walk")


@task(name="ask", cache_policy=NO_CACHE, persist_result=False)
async def ask(connection: str) -> dict[str, int]:
    """Walks one connection; answers how many records were read, new, missed and so on."""
    hub, turn, poll, since, found = _CURRENT.get()
    walked = await walk(hub, turn, poll, since=since)
    found.append(walked)
    return {"read": walked.read, "new": walked.new, **walked.counts}
