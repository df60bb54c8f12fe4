"""A process that is killed in the middle of a file costs nothing and doubles nothing."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from loyalty.store import gift_code_uploads
from loyalty.store.gift_code_uploads import Upload
from tests.flows.booking.desk import Desk
from tests.flows.gift_codes.counter import uploaded

ROWS = 20_000
ROOT = Path(__file__).parents[3]


async def state(desk: Desk, upload_id: UUID) -> Upload:
    """How far the upload is."""
    async with desk.database.begin() as connection:
        found = await gift_code_uploads.find(connection, upload_id)
    assert found is not None
    return found


@pytest.mark.durability
async def test_an_import_killed_twice_keeps_every_row_once(desk: Desk, database_url: str) -> None:
    rows = [f"KILL-{n},{'x' if n % 100 == 0 else n + 1}" for n in range(ROWS)]
    upload_id = await uploaded(desk, "\n".join(["code,points", *rows]))
    command = [sys.executable, "-m", "tests.flows.gift_codes.importer", database_url]
    stopped_at = [0]
    for is_killed in (True, True, False):
        process = subprocess.Popen([*command, str(upload_id)], cwd=ROOT)
        while process.poll() is None:
            await asyncio.sleep(0.01)
            if is_killed and (await state(desk, upload_id)).rows_read > stopped_at[-1]:
                process.send_signal(signal.SIGKILL)
                process.wait()
        stopped_at.append((await state(desk, upload_id)).rows_read)
    assert 0 < stopped_at[1] < stopped_at[2] < stopped_at[3]
    found = await state(desk, upload_id)
    assert (found.state, found.created, found.rejected) == ("done", ROWS - 200, 200)
    (row,) = await desk.rows("select count(*) as n, sum(points) as points from gift_codes")
    assert row.n == ROWS - 200
    assert row.points == sum(n + 1 for n in range(ROWS) if n % 100)
