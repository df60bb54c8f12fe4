"""What calls of polls and subscriptions pay: a slot each, of the budget that deliveries use too."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from connectors.kit.errors import RateLimited
from connectors.kit.toll import Toll
from flows.runtime import Hub
from flows.sending import budget_name
from loyalty.store import budgets

PATIENCE = timedelta(seconds=60)
"""How long a walk waits for one slot; beyond it, it goes on another time."""


class BudgetUsedUp(RateLimited):
    """Our own budget has no slot soon; the vendor asked for nothing."""


def toll_of(hub: Hub, slug: str) -> Toll:
    """The toll of a connection's calls.

    Raises, when called:
        BudgetUsedUp: There is no slot for a minute.
    """
    name = budget_name(slug)

    async def toll() -> None:
        waited = timedelta()
        while True:
            now = hub.clock()
            async with hub.database.begin() as connection:
                grant = await budgets.take(connection, name, 1, now=now)
            if grant.slots or grant.retry_at is None:
                return
            pause = max(grant.retry_at - now, timedelta(milliseconds=5))
            waited += pause
            if waited > PATIENCE or hub.is_stopping:
                raise BudgetUsedUp(f"the budget of {slug} is used up until then", retry_after=pause)
            await asyncio.sleep(pause.total_seconds())

    return toll
