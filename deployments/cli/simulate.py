"""`hub rules simulate`: rules on trial with what really happened; and the backtest of `publish`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from deployments.cli.answers import answering, say, show_rows, unusable, write_json
from deployments.cli.desk import Desk, at_desk
from deployments.cli.instants import instant
from deployments.cli.rules import named
from flows.simulation import Simulation, Trial, simulate
from flows.simulation.telling import lines, member_rows
from loyalty.programme import Programme
from loyalty.store import rulebook
from rules import RuleSet


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be tried, on which period, and how it is told.

    Attributes:
        rules: A version, a path, `active` or `files`.
        members: How many members are listed.
        processes: At once; 0 for one per core.
    """

    rules: str
    days: int
    since: str
    until: str
    members: int
    processes: int


@dataclass(frozen=True, slots=True)
class Backtest:
    """The trial that `publish` makes."""

    simulation: Simulation

    def document(self) -> dict[str, Any]:
        """For machines."""
        return self.simulation.document(members=20)

    def lines(self) -> list[str]:
        """In sentences."""
        return lines(self.simulation)


@answering
def run_simulate(asked: Asked, *, as_json: bool) -> int:
    """Tries rules on a period. Nothing is posted."""

    async def work(desk: Desk) -> Simulation:
        rules = await named(desk, asked.rules)
        async with desk.database.begin() as connection:
            programme = await rulebook.programme(connection)
        trial = _trial(desk, rules, programme, asked)
        return await simulate(desk.database, trial, processes=asked.processes or None)

    found = at_desk(work)
    if as_json:
        write_json(found.document(members=asked.members))
        return 0
    for line in lines(found):
        say(line)
    rows = member_rows(found, asked.members)
    if rows:
        show_rows(tuple(rows[0]), [tuple(row.values()) for row in rows])
    return 0


def _trial(desk: Desk, rules: RuleSet, programme: Programme, asked: Asked) -> Trial:
    until = instant(asked.until, "--to") if asked.until else desk.now
    since = instant(asked.since, "--from") if asked.since else until - timedelta(days=asked.days)
    if since >= until:
        raise unusable("the period ends before it begins", "--from comes before --to")
    return Trial(rules=rules, programme=programme, since=since, until=until)


async def backtest(desk: Desk, rules: RuleSet, programme: Programme, *, days: int) -> Backtest:
    """The rules on trial with the last days."""
    since = desk.now - timedelta(days=days)
    trial = Trial(rules=rules, programme=programme, since=since, until=desk.now)
    return Backtest(await simulate(desk.database, trial))
