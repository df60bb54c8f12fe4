"""The acceptance scenarios, played through the real engine on a real database."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployments.scenario.document import Case, read_file
from deployments.scenario.run import play
from loyalty.store.database import Database

FILES = sorted(Path(__file__).parent.glob("*.yaml"))
CASES = [case for path in FILES for case in read_file(path)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_it_comes_out_as_the_scenario_says(case: Case, empty_database: Database) -> None:
    assert await play(empty_database, case) == []


def test_no_case_is_there_twice() -> None:
    ids = [case.id for case in CASES]
    assert len(ids) == len(set(ids))
