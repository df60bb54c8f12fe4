"""The flow of the trigger `milestones`."""

from __future__ import annotations

from prefect import flow

from flows.batch import work_off
from flows.parameters import MaxEvents, WaitMinutes


@flow(name="milestones", persist_result=False)
async def milestones(max_events: MaxEvents = 1000, wait_minutes: WaitMinutes = 0) -> None:
    """Rewards milestones, tier changes, anniversaries and birthdays.

    Runs by itself whenever such events arrive. Start it by hand to work off what waits, for
    example what was held while the deployment was paused.

    Args:
        max_events: How many waiting events this run takes at most; the rest waits for the next.
        wait_minutes: How long to stand by for the first event. 0 takes what is waiting now.
    """
    await work_off("milestones", max_events=max_events, wait_minutes=wait_minutes)
