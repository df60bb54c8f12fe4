"""Tries rules on what happened, from the Prefect form. Nothing is posted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from pydantic import Field

from flows.runtime import Hub, runtime
from flows.simulation import Trial, simulate
from flows.simulation.telling import lines, markdown, member_rows
from loyalty.store import rule_sets, rulebook
from rules import RuleSet

Name = Annotated[str, Field(max_length=64)]
Days = Annotated[int, Field(ge=1, le=3660)]
MembersShown = Annotated[int, Field(ge=0, le=1000)]


@flow(name="simulate-rules", persist_result=False)
async def simulate_rules(
    version: Name = "",
    days: Days = 30,
    since: datetime | None = None,
    until: datetime | None = None,
    members_shown: MembersShown = 200,
) -> None:
    """Replays what happened in a period under other rules, beside what was booked.

    The run leaves a page that sums it up and a table of the members it would matter to.

    Args:
        version: A draft's version from propose-rule, or an earlier one; empty for those in force.
        days: How many days back, where no period is given.
        since: From then on.
        until: Until then; empty for now.
        members_shown: How many members the table has, the largest differences first.
    """
    async with runtime() as hub:
        trial = await _trial(hub, version, days=days, since=since, until=until)
        workforce = None
        if hub.settings.dask:
            from flows.simulation.dask import on_dask

            workforce = on_dask(hub.settings.dask)
        found = await simulate(hub.database, trial, workforce=workforce)
    for line in lines(found):
        get_run_logger().info(line)
    await acreate_markdown_artifact(key="simulate-rules", markdown=markdown(found))
    await acreate_table_artifact(
        key="simulate-rules-members",
        table=member_rows(found, members_shown),
        description=f"{found.difference:+,} points by {found.version}: the members with the "
        "largest differences.",
    )


async def _trial(
    hub: Hub, version: str, *, days: int, since: datetime | None, until: datetime | None
) -> Trial:
    until = _aware(until) or hub.clock()
    async with hub.database.begin() as connection:
        programme = await rulebook.programme(connection)
        if version:
            version = (await rule_sets.find(connection, version)).version
            documents = await rulebook.documents_of(connection, version)
        else:
            found = await rulebook.active(connection)
            documents = found[1] if found else []
    return Trial(
        rules=RuleSet.from_documents(documents or []),
        programme=programme,
        since=_aware(since) or until - timedelta(days=days),
        until=until,
    )


def _aware(value: datetime | None) -> datetime | None:
    """The form leaves the zone out where nobody chose one: it is the server's, and so UTC."""
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value
