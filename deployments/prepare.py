"""`python -m deployments.prepare store|prefect|credentials`: brings them to the current state.

All are safe to repeat; `hub up` leaves out what did not change since the last time
(`deployments.prepared`), and waits for the first two alone.
"""

from __future__ import annotations

import asyncio
import os
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
    """Makes work pool, deployments and automations."""
    from deployments.automations import ensure_automations
    from deployments.pools import ensure_work_pool

    await ensure_work_pool(settings.work_pool)
    await deploy()
    await ensure_automations()
    note_prepared(settings)


async def prepare_credentials(settings: HubSettings) -> None:
    """Makes the block type of every vendor, so that the Prefect UI offers its form.

    Thirty of them keep Prefect busy for a while, and nothing waits for them: the hub is up
    already. A block that is saved by a script makes its type by itself.
    """
    from prefect.exceptions import ObjectAlreadyExists

    from deployments.blocks import block_types

    os.nice(10)
    for block_type in block_types():
        try:
            await block_type.register_type_and_schema()
        except ObjectAlreadyExists:  # somebody saved a block of it at this moment
            await block_type.register_type_and_schema()
    note_prepared(settings, "credentials")


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
    steps = {
        "store": prepare_store,
        "prefect": prepare_prefect,
        "credentials": prepare_credentials,
    }
    asyncio.run(steps[sys.argv[1]](settings))


if __name__ == "__main__":
    main()
