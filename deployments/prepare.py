"""`python -m deployments.prepare store|prefect`: brings store and Prefect to the current state.

Both are safe to repeat; `hub up` leaves the second out while nothing changed since the last time
(`deployments.prepared`).
"""

from __future__ import annotations

import asyncio
import sys

from deployments.child import PROJECT
from deployments.prepared import note_prepared
from loyalty.programme import Programme
from loyalty.settings import HubSettings
from loyalty.store import rulebook
from loyalty.store.database import Database
from loyalty.store.migrate import migrate

DEFAULT_ROUTES: dict[str, tuple[str, ...]] = {
    "sms": ("twilio/main",),
    "email": ("smtp/main",),
    "crm": ("hubspot/main",),
    "audience": ("mailchimp/main",),
    "track": ("klaviyo/main",),
    "chat": ("slack/main",),
    "sheet": ("sheets/main",),
}


async def prepare_store(settings: HubSettings) -> None:
    """Migrates the database; on the first start publishes the shipped rules."""
    from flows.runtime import database_url, wall_clock
    from rules.shipped import shipped_rules

    database = Database(database_url(settings))
    try:
        await migrate(database)
        async with database.begin() as connection:
            if await rulebook.active(connection) is None:
                now = wall_clock()
                rules = shipped_rules()
                await rulebook.activate(
                    connection,
                    rules.version,
                    rules.documents(),
                    author="hub",
                    reason="the rules that the hub comes with",
                    now=now,
                )
                programme = Programme.model_validate(
                    {
                        "routes": DEFAULT_ROUTES,
                        "milestones": [{"id": "every-500-points", "every": 500}],
                        "tiers": {
                            "metric": "earned_points",
                            "levels": [
                                {"name": "Bronze", "at": "0"},
                                {"name": "Silver", "at": "1000"},
                                {"name": "Gold", "at": "5000"},
                            ],
                        },
                    }
                )
                await rulebook.save_programme(connection, programme, now=now)
    finally:
        await database.aclose()


async def prepare_prefect(settings: HubSettings) -> None:
    """Makes work pool, block types, deployments and automations."""
    from deployments.automations import ensure_automations
    from deployments.blocks import block_types
    from deployments.pools import ensure_work_pool

    await ensure_work_pool(settings.work_pool)
    async with asyncio.TaskGroup() as group:
        group.create_task(deploy())
        for block_type in block_types():
            group.create_task(block_type.register_type_and_schema())
    await ensure_automations()
    note_prepared(settings)


async def deploy() -> None:
    """`prefect deploy --all`, without questions."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=PROJECT, stdin=asyncio.subprocess.DEVNULL
    )
    if await process.wait():
        raise SystemExit(f"`prefect deploy --all` failed with exit code {process.returncode}")


def main() -> None:
    """Prepares what the command line names."""
    settings = HubSettings()
    steps = {"store": prepare_store, "prefect": prepare_prefect}
    asyncio.run(steps[sys.argv[1]](settings))


if __name__ == "__main__":
    main()
