"""A worker that is killed in the middle of a campaign, twice, by the operating system."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from loyalty.campaigns import CampaignState
from tests.flows.campaigns.drive import Drive, person

MANY = int(os.environ.get("HUB_TEST_CAMPAIGN", "1500"))
"""`HUB_TEST_CAMPAIGN=10000` for the figure of the promise; fewer prove the same, sooner."""


async def _killed_in_the_middle(url: str, *, after: int, pause: float) -> None:
    command = [sys.executable, "-m", "tests.flows.campaigns.worker_process", url]
    worker = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert worker.stdout is not None
    for _ in range(after):
        assert await asyncio.wait_for(worker.stdout.readline(), 120), "it ended before"
    await asyncio.sleep(pause)  # Somewhere within the next chunk.
    worker.send_signal(signal.SIGKILL)
    assert await worker.wait() == -signal.SIGKILL


@pytest.mark.durability
async def test_a_campaign_whose_worker_is_killed_twice_invites_everybody_once(
    drive: Drive, database_url: str
) -> None:
    await drive.create()
    await drive.bring(*(person(number) for number in range(MANY)))
    await drive.switch(CampaignState.ACTIVE)
    await _killed_in_the_middle(database_url, after=1, pause=0.05)
    await _killed_in_the_middle(database_url, after=2, pause=0.15)
    rest = await drive.invite()
    assert 0 < rest.invited < MANY, "both died in the middle"
    rows = await drive.desk.rows(
        "select count(*) as messages, count(distinct target) as people from deliveries"
    )
    assert (rows[0].messages, rows[0].people) == (MANY, MANY)
    assert set((await drive.states()).values()) == {"invited"}
