"""One process's part of a simulation: `python -m flows.simulation.part`, order in, figures out.

Also what a Dask worker does with an order, and what a small trial does in the process itself.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from flows.simulation.archive import Archive
from flows.simulation.history import actuals, chunks, history
from flows.simulation.past import Past
from flows.simulation.replay import Replay
from flows.simulation.trial import MemberChange, Order, Part, Trial
from loyalty.store.database import Database
from rules import RuleSet

AT_ONCE = 200
"""Accounts whose events are read and held in memory together."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Lets Python look for garbage seldom: thousands of events are held that are none, and to
    look through them again and again would take a third of the time."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def do_part(
    connection: AsyncConnection, trial: Trial, groups: list[list[UUID]], *, is_one_pass: bool
) -> Part:
    """Replays the events of these members and lays beside it what was booked.

    Args:
        is_one_pass: All members together in the order of events, since they share a budget.
    """
    part = Part()
    archive = Archive(connection)
    with seldom_collected():
        await _go_through(connection, trial, archive, part, groups, is_one_pass=is_one_pass)
    return part


async def _go_through(
    connection: AsyncConnection,
    trial: Trial,
    archive: Archive,
    part: Part,
    groups: list[list[UUID]],
    *,
    is_one_pass: bool,
) -> None:
    for some in [groups] if is_one_pass else chunks(groups, AT_ONCE):
        ids = [one for group in some for one in group]
        found = await history(connection, ids, trial.until)
        part.unreadable += found.unreadable
        await archive.fetch(found.events)
        replay = await Replay.open(connection, trial, archive, some)
        past = await Past.of(connection, found.events)
        replay.run(found.events, past)
        booked, sent = await actuals(connection, ids, trial)
        part.tally.add(replay.tally)
        for key, count in sent.items():
            part.tally.count("sent_actually", key, count)
        part.events += replay.events
        part.replayed += replay.replayed
        part.rewards += past.again
        part.rewards_missed += past.missed
        part.invitations += len(past.claimed)
        for group in some:
            simulated = replay.figures(group[0])
            actual = booked[group[0]]
            for other in group[1:]:
                actual.add(booked[other])
            part.members.append(
                MemberChange(member_id=group[0], actual=actual, simulated=simulated)
            )


async def do_order(order: Order, database: Database) -> Part:
    """An order, in a transaction of its own that only reads."""
    trial = Trial(
        rules=RuleSet.from_documents(order.documents),
        programme=order.programme,
        since=order.since,
        until=order.until,
    )
    async with database.begin() as connection:
        return await do_part(connection, trial, order.members, is_one_pass=False)


async def work_alone(order: Order) -> Part:
    """An order in a process of its own: with its own way to the database."""
    url = order.database_url.get_secret_value()
    if not url:
        from flows.runtime import database_url
        from loyalty.settings import HubSettings

        url = database_url(HubSettings())
    database = Database(url, pool_size=1)
    try:
        return await do_order(order, database)
    finally:
        await database.aclose()


def main() -> None:
    """Reads an order from standard input and writes what came of it."""
    order = Order.model_validate_json(sys.stdin.buffer.read())
    sys.stdout.write(asyncio.run(work_alone(order)).model_dump_json())


if __name__ == "__main__":
    main()
