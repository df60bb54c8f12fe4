"""The flow `void-rewards`: takes back every reward of a catalogue item that can be taken back."""

from __future__ import annotations

from typing import Annotated, Literal

from prefect import flow, get_run_logger
from pydantic import Field

from flows.progress_bar import ProgressBar
from flows.rewards_upkeep import Voiding, void_all
from flows.runtime import runtime
from loyalty.store import reward_lists
from loyalty.store.reward_lists import Wanted

Item = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[a-z0-9-]+$")]
Why = Annotated[str, Field(min_length=3, max_length=400)]
Who = Annotated[str, Field(max_length=100)]


@flow(name="void-rewards", persist_result=False)
async def void_rewards(
    item: Item,
    reason: Why,
    gives_points_back: bool = True,
    state: Literal["all", "held", "issued"] = "all",
    by: Who = "operations",
    really: bool = False,
) -> None:
    """Voids all rewards of an item that were not used, and ends them in the shop.

    Without `really` it only counts. It may be started again at any time: what is voided already
    is left alone. What a shop cannot end is told in the events' outcomes.

    Args:
        item: The catalogue item's id.
        reason: Why; kept with every reward.
        gives_points_back: Whether the members get their points again.
        state: Only those on their way (held), only those that members have (issued), or all.
        by: Who decided it.
        really: Voids them. Without it nothing is changed and the run says how many it would be.
    """
    logger = get_run_logger()
    wanted = Wanted(item=item, state="" if state == "all" else state)
    async with runtime() as hub:
        async with hub.database.begin() as connection:
            count = await reward_lists.count_voidable(connection, wanted)
        if not really:
            logger.info("%d rewards of %s would be voided; nothing was changed", count, item)
            return
        bar = ProgressBar(f"void-rewards-{item}")
        voiding = Voiding(wanted, by=by, reason=reason, gives_back=gives_points_back)

        async def tell(voided: int) -> None:
            await bar.show(min(voided * 100 / max(count, 1), 99), f"{voided} of {count} voided")

        voided = await void_all(hub.database, voiding, now=hub.clock(), progress=tell)
        await bar.show(100, f"{voided} of {count} voided")
    logger.info("%d rewards of %s are being voided", voided, item)
