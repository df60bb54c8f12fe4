"""The way of a batch: wait for the bell, claim, book, send, report."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

from prefect.runtime import flow_run
from sqlalchemy.exc import DBAPIError

from flows.bells import Bell
from flows.booking import Booked, book
from flows.fanout import FanOut
from flows.report import report
from flows.runtime import Hub, runtime
from loyalty.store import deliveries, inbox
from loyalty.store.database import StoreAway
from loyalty.store.inbox import Claimed, Closing

logger = logging.getLogger(__name__)

LINGER_SECONDS = 1.0
"""How long a run that has worked waits for more, so that load makes batches and not runs."""

LANES = 2
"""Batches that are booked side by side under load."""

MAX_TRIES = 3
"""How often an event may break its transaction before a person has to look."""


@dataclass(slots=True)
class Summary:
    """What a run did."""

    events: int = 0
    deliveries: dict[str, int] = field(default_factory=dict)


async def work_off(trigger: str, *, max_events: int, wait_minutes: float) -> Summary:
    """Works off what waits for a trigger, up to `max_events`.

    Args:
        wait_minutes: For a standby run: how long to wait for the first event. 0 takes what
            is there and ends.
    """
    async with runtime() as hub:
        if not wait_minutes:
            return await _work(hub, trigger, max_events, None)
        bell = hub.bells.of(trigger)
        deadline = hub.clock().timestamp() + wait_minutes * 60
        while (left := deadline - hub.clock().timestamp()) > 0 and not hub.is_stopping:
            if not await bell.stand_by(left):
                break
            summary = await _work(hub, trigger, max_events, bell)
            if summary.events:
                return summary
        return Summary()


async def _work(hub: Hub, trigger: str, max_events: int, bell: Bell | None) -> Summary:
    batches: list[Booked] = []
    async with FanOut(hub) as fan_out:
        try:
            async for booked in _batches(hub, trigger, max_events, bell):
                batches.append(booked)
                fan_out.feed(booked.deliveries)
        finally:
            if bell is not None:
                # Another run books what comes from now on: a slow vendor, or a Prefect server
                # that is away, must not keep it waiting.
                bell.release()
    if batches:
        hub.bells.of("deliver").ring()
        await report(hub, trigger, batches, fan_out)
    return Summary(sum(len(one.items) for one in batches), dict(fan_out.counts))


async def _batches(
    hub: Hub, trigger: str, max_events: int, bell: Bell | None
) -> AsyncIterator[Booked]:
    """Books batch after batch, until nothing has come for a moment or it was enough.

    While batches are full, two are booked side by side: one is worked out while PostgreSQL
    writes the other. No subject's events are ever in both (`inbox.claim`).
    """
    events, lanes = 0, 1
    while events < max_events and not hub.is_stopping and not (bell and bell.is_held):
        limit = min(hub.settings.chunk, max_events - events)
        found = await _side_by_side(hub, trigger, limit, lanes=lanes)
        count = sum(len(one.items) for one in found.booked)
        if count and not events and hub.on_taken is not None:
            hub.on_taken(trigger)
        events += count
        for booked in found.booked:
            yield booked
        if found.error is not None:
            raise found.error
        lanes = LANES if count >= limit * lanes else 1
        if not count and not (bell and events and await bell.linger(LINGER_SECONDS)):
            return
    if bell is not None and not hub.is_stopping:
        bell.ring()  # There may be more: for the run that comes next.


@dataclass(slots=True)
class _Found:
    """What lanes side by side booked, and the first error of one of them."""

    booked: list[Booked] = field(default_factory=list)
    error: BaseException | None = None


async def _side_by_side(hub: Hub, trigger: str, limit: int, *, lanes: int) -> _Found:
    if lanes == 1:
        booked = await book_next(hub, trigger, limit)
        return _Found([booked] if booked else [])
    found = _Found()
    ends = await asyncio.gather(
        *(book_next(hub, trigger, limit) for _ in range(lanes)), return_exceptions=True
    )
    for one in ends:
        if isinstance(one, BaseException):
            found.error = found.error or one
        elif one is not None:
            found.booked.append(one)
    return found


async def book_next(hub: Hub, trigger: str, limit: int) -> Booked | None:
    """Claims and books the next events in one transaction; None where none wait.

    A batch that fails as a whole is tried again event by event, so that one bad event stops
    no other; an event that fails alone again and again is set aside for a person.
    """
    terms = await hub.terms()
    items: list[Claimed] = []
    try:
        async with hub.database.begin() as connection:
            items = await inbox.claim(connection, trigger, limit=limit, now=terms.now)
            if not items:
                return None
            return await book(connection, items, terms, run_id=_run_id())
    except StoreAway:
        await _free_what_may_be_planned(hub, items)
        return await book_next(hub, trigger, limit)
    except Exception as error:
        if not items:
            raise
        if _is_conflict(error):
            return await book_next(hub, trigger, limit)
        logger.exception("a batch of %s failed: trying its events one by one", trigger)
    return await _one_by_one(hub, items)


async def _free_what_may_be_planned(hub: Hub, items: list[Claimed]) -> None:
    """Waits until the store is back, and frees what a commit without an answer has leased."""
    ids = [item.id for item in items]
    await hub.database.persist(
        lambda connection: deliveries.give_back_events(connection, ids, owner=hub.owner)
    )


async def _one_by_one(hub: Hub, items: list[Claimed]) -> Booked:
    parts = [await _alone(hub, item) for item in items]
    return Booked(
        items=[item for part in parts for item in part.items],
        closings=[one for part in parts for one in part.closings],
        deliveries=[one for part in parts for one in part.deliveries],
        emitted=[one for part in parts for one in part.emitted],
    )


async def _alone(hub: Hub, item: Claimed) -> Booked:
    terms = await hub.terms()
    try:
        async with hub.database.begin() as connection:
            if not await inbox.reclaim(connection, item.id):
                return Booked([], [], [], [])
            return await book(connection, [item], terms, run_id=_run_id())
    except StoreAway:
        await _free_what_may_be_planned(hub, [item])
        return Booked([], [], [], [])
    except Exception as error:
        if _is_conflict(error):
            return Booked([], [], [], [])
        logger.exception("event %s failed", item.event.business_key)
        closing = _failure(item, error)
    await hub.database.persist(
        lambda connection: inbox.close(connection, [closing], run_id=_run_id(), now=terms.now)
    )
    return Booked([item], [closing], [], [])


def _failure(item: Claimed, error: Exception) -> Closing:
    tries = item.attempts + 1
    state = "failed" if tries >= MAX_TRIES else "waiting"
    reason = f"{type(error).__name__}: see the worker's log; `hub replay` tries it again"
    return Closing(item.id, state, reason=reason, attempts=tries)


def _is_conflict(error: Exception) -> bool:
    """Deadlock or serialization failure: the same batch goes through when tried again."""
    state = str(getattr(getattr(error, "orig", None), "sqlstate", "") or "")
    return isinstance(error, DBAPIError) and state in ("40P01", "40001")


def _run_id() -> UUID | None:
    return UUID(flow_run.id) if flow_run.id else None
