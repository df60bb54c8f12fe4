"""`python -m deployments.prepare store|prefect`: brings store and Prefect to the current state.

Both are safe to repeat. What is costly (deploying, registering blocks) is left out while
nothing changed since the last time, so that a second start takes seconds and keeps what
operations changed in the Prefect UI.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from loyalty.programme import Programme
from loyalty.settings import HubSettings
from loyalty.store import rulebook
from loyalty.store.database import Database
from loyalty.store.migrate import migrate

PROJECT = Path(__file__).resolve().parent.parent

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
                        "tiers": [
                            {"name": "Bronze", "from_lifetime_points": 0},
                            {"name": "Silver", "from_lifetime_points": 1000},
                            {"name": "Gold", "from_lifetime_points": 5000},
                        ],
                    }
                )
                await rulebook.save_programme(connection, programme, now=now)
    finally:
        await database.aclose()


async def prepare_prefect(settings: HubSettings) -> None:
    """Makes work pool, block types, deployments and automations, where anything changed."""
    note = settings.root / "prepared"
    wanted = fingerprint(settings)
    if note.exists() and note.read_text("utf-8") == wanted:
        return
    from deployments.automations import ensure_automations
    from deployments.blocks import block_types
    from deployments.pools import ensure_work_pool

    await ensure_work_pool(settings.work_pool)
    for block_type in block_types():
        await block_type.register_type_and_schema()
    deploy()
    await ensure_automations()
    note.write_text(wanted, "utf-8")


def deploy() -> None:
    """`prefect deploy --all`, without questions."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    subprocess.run(command, cwd=PROJECT, check=True, stdin=subprocess.DEVNULL)  # noqa: S603


def fingerprint(settings: HubSettings) -> str:
    """A hash of all that deploying depends on."""
    digest = hashlib.sha256(str(settings.prefect_api_url).encode())
    digest.update(os.environ.get("PREFECT_API_DATABASE_CONNECTION_URL", "").encode())
    sources = [PROJECT / "prefect.yaml", *sorted((PROJECT / "flows").glob("*.py"))]
    sources += sorted((PROJECT / "connectors").glob("*/account.py"))
    sources += sorted((PROJECT / "connectors").glob("*/credentials.py"))
    sources += sorted((PROJECT / "deployments").glob("*.py"))
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()


def main() -> None:
    """Prepares what the command line names."""
    settings = HubSettings()
    steps = {"store": prepare_store, "prefect": prepare_prefect}
    asyncio.run(steps[sys.argv[1]](settings))


if __name__ == "__main__":
    main()
