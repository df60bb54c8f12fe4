"""Prefect's global concurrency limits as the budgets in force: made here, edited in its UI."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.client.schemas.responses import GlobalConcurrencyLimitResponse

from connectors.kit.registry import manifest
from flows.sending import budget_name
from loyalty.store import budgets
from loyalty.store.database import Database

PAGE = 200


async def read_limits(client: PrefectClient) -> dict[str, GlobalConcurrencyLimitResponse]:
    """The limits of our connections, by name."""
    found: list[GlobalConcurrencyLimitResponse] = []
    while True:
        page = await client.read_global_concurrency_limits(limit=PAGE, offset=len(found))
        found.extend(page)
        if len(page) < PAGE:
            return {one.name: one for one in found if one.name.startswith("limit:")}


async def sync_limits(
    client: PrefectClient, database: Database, routes: Iterable[str], *, now: datetime
) -> None:
    """Makes the limits that are missing, and takes over what operations changed."""
    known = await read_limits(client)
    for slug in routes:
        name = budget_name(slug)
        if name not in known:
            documented = manifest(slug.partition("/")[0]).limit
            await client.create_global_concurrency_limit(
                GlobalConcurrencyLimitCreate(
                    name=name,
                    limit=documented.burst,
                    slot_decay_per_second=documented.per_second,
                    active=True,
                )
            )
    if any(budget_name(slug) not in known for slug in routes):
        known = await read_limits(client)
    async with database.begin() as connection:
        for name, limit in sorted(known.items()):
            await budgets.define(
                connection,
                name,
                burst=limit.limit,
                per_second=Decimal(str(limit.slot_decay_per_second)),
                is_active=limit.active,
                now=now,
            )
