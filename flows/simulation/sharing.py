"""Shares the members out, lets every part work, and adds up what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.simulation import crew
from flows.simulation.history import groups
from flows.simulation.part import do_part
from flows.simulation.trial import Order, Part, Simulation, Trial, summed
from loyalty.store import rulebook
from loyalty.store.database import Database
from rules import RuleSet

SMALL = 3_000
"""Up to so many events, starting processes would take longer than the work."""

PART = 20_000
"""Events of a part that goes to a cluster, so that many workers have something to do."""

Workforce = Callable[[Sequence[Order]], Awaitable[list[Part]]]
"""Does orders side by side: on this machine's cores, or on a Dask cluster."""


async def simulate(
    database: Database,
    trial: Trial,
    *,
    processes: int | None = None,
    workforce: Workforce | None = None,
) -> Simulation:
    """Tries rules and programme on what happened in a period; nothing is posted.

    Members depend on nobody but themselves, so they are shared out over processes. Where a
    limit is shared by all members (a budget of a rule or of the programme), everybody is gone
    through in one pass, in the order in which their events were booked.

    Args:
        processes: At most so many at once; None for one per core, 1 for none besides this one.
        workforce: Who does the parts, instead of processes of this machine.
    """
    began = perf_counter()
    async with database.begin() as connection:
        shared = await _shared_limits(connection, trial)
        found = await groups(connection, trial, everybody=bool(shared))
        events = sum(count for _, count in found)
        wanted = processes or crew.cores()
        if workforce is not None:
            wanted = max(wanted, -(-events // PART))
        if shared or (workforce is None and (wanted == 1 or events <= SMALL)):
            members = [ids for ids, _ in found]
            parts = [await do_part(connection, trial, members, is_one_pass=bool(shared))]
            way = "in one pass" + (f", for the budgets of {', '.join(shared)}" if shared else "")
            return summed(trial, parts, way=way, seconds=perf_counter() - began)
    orders = _orders(trial, found, wanted)
    if workforce is not None:
        parts = await workforce(orders)
        way = f"by member, {len(orders)} parts on Dask"
    else:
        parts = await crew.work_off(orders, database.driver_url)
        way = f"by member, on {len(orders)} processes"
    return summed(trial, parts, way=way, seconds=perf_counter() - began)


def _orders(trial: Trial, found: Sequence[tuple[list[UUID], int]], wanted: int) -> list[Order]:
    """As many parts as wanted, of as many events each as can be: the longest first."""
    shares: list[list[list[UUID]]] = [[] for _ in range(wanted)]
    loads = [0] * wanted
    for ids, count in found:
        least = loads.index(min(loads))
        shares[least].append(ids)
        loads[least] += count
    documents = trial.rules.documents()
    return [
        Order(
            documents=documents,
            programme=trial.programme,
            since=trial.since,
            until=trial.until,
            members=share,
        )
        for share in shares
        if share
    ]


_VERSIONS = text("""
select distinct outcome ->> 'version' as version from inbox
where outcome is not null and occurred_at < :until
""")


async def _shared_limits(connection: AsyncConnection, trial: Trial) -> list[str]:
    """Rules, on trial or of the time before, with a limit that all members share."""
    found = _sharing(trial.rules)
    for row in await connection.execute(_VERSIONS, {"until": trial.until}):
        documents = await rulebook.documents_of(connection, row.version) if row.version else None
        if documents and any(one.get("limits") for one in documents):
            found += _sharing(RuleSet.from_documents(documents))
    return sorted(set(found))


def _sharing(rules: RuleSet) -> list[str]:
    return [rule.id for rule in rules.rules if any(limit.per != "member" for limit in rule.limits)]
