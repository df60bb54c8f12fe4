"""Plays cases, each on an empty database, and says what differed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from deployments.scenario.compare import shown
from deployments.scenario.document import Case
from deployments.scenario.invariants import broken
from deployments.scenario.judge import differences
from deployments.scenario.stage import empty
from deployments.scenario.steps import Concurrent
from deployments.scenario.window import Window
from deployments.scenario.world import NotSupported, World
from loyalty.store.database import Database, StoreAway
from rules import RuleSet
from rules.problems import RuleSetError


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a case came out: nothing differs, or what does, in words."""

    id: str
    differences: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.differences

    def document(self) -> dict[str, Any]:
        """The answer for machines."""
        return {"id": self.id, "passed": self.passed, "differences": list(self.differences)}


async def play_all(databases: Sequence[Database], cases: Sequence[Case]) -> AsyncIterator[Verdict]:
    """Plays cases, as many at once as there are databases; answers in the order of the cases.

    Args:
        databases: Migrated, and for nothing else: whatever is in them is deleted.
    """
    rule_sets: dict[str, RuleSet] = {}
    free: asyncio.Queue[Database] = asyncio.Queue()
    for database in databases:
        free.put_nowait(database)

    async def one(case: Case) -> Verdict:
        database = await free.get()
        try:
            await empty(database)
            began = time.perf_counter()
            told = await play(database, case, rule_sets)
            return Verdict(case.id, tuple(told), time.perf_counter() - began)
        finally:
            free.put_nowait(database)

    tasks = [asyncio.create_task(one(case)) for case in cases]
    try:
        for task in tasks:
            yield await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def play(
    database: Database, case: Case, rule_sets: dict[str, RuleSet] | None = None
) -> list[str]:
    """What differs in one case; the database is empty before and full afterwards.

    An engine that breaks ends the case with a difference that says so: the next one is played
    all the same.
    """
    async with database.look() as connection:
        window = Window(database, connection)
        return await _play(World(database, case, {} if rule_sets is None else rule_sets, window))


async def _play(world: World) -> list[str]:
    told: list[str] = []
    try:
        await world.begin()
    except NotSupported as error:
        return [str(error)]
    except RuleSetError as error:
        return [f"the rules of the settings are not accepted: {error}"]
    except StoreAway:
        raise
    except Exception as error:  # noqa: BLE001 - as below
        return [f"the settings: the engine broke: {type(error).__name__}: {_short(error)}"]
    for at, step in enumerate(world.case.steps, 1):
        where = f"step {at} ({_name(step)})"
        try:
            happened = await world.play(step)
            found = await differences(world, step.expect, happened) if step.expect else []
        except NotSupported as error:
            return [*told, f"{where}: {error}"]
        except StoreAway:
            raise
        except Exception as error:  # noqa: BLE001 - a broken engine is what scenarios are to find
            return [*told, f"{where}: the engine broke: {type(error).__name__}: {_short(error)}"]
        told += [f"{where}: {one}" for one in found]
    return told + await broken(world)


def _name(step: Any) -> str:
    if isinstance(step, Concurrent):
        return f"{' + '.join(part.do for part in step.concurrent)} at {shown(step.at)}"
    return f"{step.do} at {shown(step.at)}"


def _short(error: Exception) -> str:
    return " ".join(str(getattr(error, "orig", None) or error).split())[:300]
