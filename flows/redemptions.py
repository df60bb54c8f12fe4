"""The flow of the trigger `redemptions`."""

from __future__ import annotations

from prefect import flow

from flows.batch import work_off
from flows.parameters import MaxEvents, WaitMinutes


@flow(name="redemptions", persist_result=False)
async def redemptions(max_events: MaxEvents = 1000, wait_minutes: WaitMinutes = 0) -> None:
    """Books points that are spent, held at a checkout, or given and taken by the team.

    Runs by itself whenever such events arrive. Start it by hand to work off what waits, for
    example what was held while the deployment was paused.

    Args:
        max_events: How many waiting events this run takes at most; the rest waits for the next.
        wait_minutes: How long to stand by for the first event. 0 takes what is waiting now.
    """
    await work_off("redemptions", max_events=max_events, wait_minutes=wait_minutes)
