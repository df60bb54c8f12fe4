"""The flow `standing`: what time alone brings, written down every hour."""

from __future__ import annotations

from prefect import flow, get_run_logger

from flows.rewards_upkeep import keep_rewards
from flows.runtime import runtime
from flows.sign_in_papers import clear_out
from flows.upkeep import Kept, keep_up


@flow(name="standing", persist_result=False)
async def standing() -> None:
    """Writes down points and rewards that have expired, debts that could be paid, tiers that ended.

    Whoever asks for a balance gets the right one without it. It keeps the ledger and the tiers
    up to date for members who do nothing; after an outage it catches up by itself.
    """
    logger = get_run_logger()

    def tell(kept: Kept) -> None:
        logger.info("%d members brought up to date so far", kept.members)

    async with runtime() as hub:
        terms = await hub.terms()
        kept = await keep_up(hub.database, terms, progress=tell)
        rewards = await keep_rewards(hub.database, terms)
        await clear_out(hub.database, now=terms.now)
    logger.info(
        "%d points expired in %d lots, %d points of debt paid, %d tiers changed",
        kept.points_expired,
        kept.expiries,
        kept.debts_paid,
        kept.tiers_changed,
    )
    logger.info("%d rewards expired unused, %d reminded of", rewards.expired, rewards.reminded)
