"""The flow `expiry-reminders`: who has to hear that points expire, asked every hour."""

from __future__ import annotations

from prefect import flow, get_run_logger

from flows.progress_bar import ProgressBar
from flows.reminders import Reminded, remind
from flows.runtime import runtime


@flow(name="expiry-reminders", persist_result=False)
async def expiry_reminders() -> None:
    """Reminds members of points that expire, so many days before the last day to use them.

    The days are the programme's `reminders.days`; while there are none, nobody is reminded. Each
    member hears of each last day once per distance, however often this runs; it may be stopped
    and started anywhere.
    """
    logger = get_run_logger()
    bar = ProgressBar("expiry-reminders")

    async def show(so_far: Reminded) -> None:
        if so_far.expected:
            share = min(100.0 * so_far.members / so_far.expected, 100.0)
            await bar.show(share, f"{so_far.members} of {so_far.expected} members")

    async with runtime() as hub:
        terms = await hub.terms()
        if not terms.programme.reminders.days:
            logger.info("nobody is reminded: set `reminders.days` of the programme")
            return
        done = await remind(hub.database, terms.for_later(), progress=show)
    logger.info(
        "%d members looked at, %d reminders of %d points",
        done.members,
        done.messages,
        done.points,
    )
