"""The same figures from a Dask cluster; run where `make dask` installed what it needs."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.simulation.dask import NoDask, on_dask
from tests.flows.simulation.house import House, paid

ROOT = Path(__file__).resolve().parents[3]
IS_THERE = importlib.util.find_spec("prefect_dask") is not None

SCRIPT = """
import asyncio, sys
from datetime import datetime
from flows.simulation import Trial, simulate
from flows.simulation.dask import on_dask
from loyalty.programme import Programme
from loyalty.store.database import Database
from tests.flows.simulation.house import PER_EURO, rules_of

async def go():
    database = Database(sys.argv[1])
    trial = Trial(rules=rules_of(PER_EURO), programme=Programme(),
                  since=datetime.fromisoformat("2026-01-01T00:00:00Z"),
                  until=datetime.fromisoformat("2026-03-01T00:00:00Z"))
    found = await simulate(database, trial, workforce=on_dask("local"), processes=2)
    print("FOUND", found.simulated_points, found.way)
    await database.aclose()

if __name__ == "__main__":
    asyncio.run(go())
"""


@pytest.mark.skipif(IS_THERE, reason="prefect-dask is installed")
def test_without_dask_it_says_what_to_install() -> None:
    with pytest.raises(NoDask, match=r"install loyalty-hub\[dask\]"):
        on_dask("local")


@pytest.mark.skipif(not IS_THERE, reason="prefect-dask is not installed: `make dask`")
async def test_parts_on_a_cluster_add_up(house: House, database_url: str, tmp_path: Path) -> None:
    await house.take(paid("o1", "60.00"), paid("o2", "30.00", who="bob", days=1))
    script = tmp_path / "on_dask.py"
    script.write_text(SCRIPT, "utf-8")
    done = subprocess.run(
        [sys.executable, str(script), database_url],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "HUB_DATABASE_URL": database_url,
            "PREFECT_HOME": str(tmp_path / "prefect"),
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        },
        cwd=ROOT, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert "FOUND 90 by member, 2 parts on Dask" in done.stdout, done.stderr[-2000:]
