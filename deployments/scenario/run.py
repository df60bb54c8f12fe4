"""Plays cases one after the other, each on an empty database, and says what differed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from deployments.scenario.compare import shown
from deployments.scenario.document import Case
from deployments.scenario.invariants import broken
from deployments.scenario.judge import differences
from deployments.scenario.stage import empty
from deployments.scenario.steps import Concurrent
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


async def play_all(database: Database, cases: Sequence[Case]) -> AsyncIterator[Verdict]:
    """Plays cases on a migrated database of their own; whatever is in it is deleted."""
    rule_sets: dict[str, RuleSet] = {}
    await empty(database)
    for case in cases:
        yield Verdict(case.id, tuple(await play(database, case, rule_sets)))
        await empty(database)


async def play(
    database: Database, case: Case, rule_sets: dict[str, RuleSet] | None = None
) -> list[str]:
    """What differs in one case; the database is empty before and full afterwards.

    An engine that breaks ends the case with a difference that says so: the next one is played
    all the same.
    """
    world = World(database, case, {} if rule_sets is None else rule_sets)
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
    for at, step in enumerate(case.steps, 1):
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
