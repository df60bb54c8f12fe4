"""Sets the stage: connections to the story's vendors, and the anniversary schedule due soon."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.exceptions import ObjectAlreadyExists

from connectors.kit.credentials import CredentialsBlock
from connectors.kit.registry import manifest
from deployments.blocks import block_types
from deployments.sandboxes import sandbox_of
from loyalty.settings import HubSettings
from loyalty.store import connections
from loyalty.store.database import Database

CAST = (
    "shopify", "woocommerce", "square", "twilio", "mailchimp", "klaviyo", "hubspot", "slack",
    "sheets", "smtp", "webhook",
)  # fmt: skip
"""The vendors of the story; the other stand-ins wait until somebody makes a connection."""

CONNECTION = "main"
SCHEDULE = "demo"
PATIENCE_SECONDS = 90.0


def account_fields(slug: str, settings: HubSettings) -> dict[str, Any]:
    """The fields of the sandbox account of a connector."""
    base = f"http://127.0.0.1:{settings.sandbox_port}/{slug}"
    known = manifest(slug).account.model_fields
    given = sandbox_of(slug)().account_at(base)
    fields = {name: value for name, value in given.items() if name in known}
    if slug == "smtp":
        fields["port"] = settings.sandbox_smtp_port
    if slug == "webhook":
        fields |= {"url": f"{base}/partner", "allow_private_network": True}
    return fields


async def set_stage(settings: HubSettings, database: Database) -> None:
    """Saves a credentials block for each vendor's stand-in and waits until they are taken over.

    Raises:
        TimeoutError: The worker did not take them over within a minute and a half.
    """
    for block_type in (one for one in block_types() if one._connector in CAST):
        fields = account_fields(block_type._connector, settings)
        await _save(block_type(**fields))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await _all_active(database):
            await asyncio.sleep(0.2)


async def _save(block: CredentialsBlock) -> None:
    """Saves a block, whose type `hub up` may be making at the same moment."""
    try:
        await block.save(CONNECTION, overwrite=True)
    except ObjectAlreadyExists:
        await block.save(CONNECTION, overwrite=True)


async def _all_active(database: Database) -> bool:
    async with database.begin() as connection:
        stored = await connections.load(connection)
    active = {one.connector for one in stored if one.state == "active" and one.name == CONNECTION}
    return active >= set(CAST)


async def schedule_anniversaries() -> None:
    """Gives the `anniversaries` deployment a schedule whose next date is a few seconds ahead.

    Prefect's scheduler looks at changed deployments every five seconds; a date that is past by
    then would mean tomorrow.
    """
    anchor = datetime.now(UTC) + timedelta(seconds=12)
    async with get_client() as client:
        deployment = await client.read_deployment_by_name("anniversaries/anniversaries")
        for schedule in deployment.schedules:
            if schedule.slug == SCHEDULE:
                await client.delete_deployment_schedule(deployment.id, schedule.id)
        await client.create_deployment_schedules(
            deployment.id,
            [
                DeploymentScheduleCreate(
                    schedule=IntervalSchedule(interval=timedelta(days=1), anchor_date=anchor),
                    active=True,
                    slug=SCHEDULE,
                )
            ],
        )
        # The scheduler's quick look takes deployments that changed; a new schedule is no change.
        touched = DeploymentUpdate(description=deployment.description)
        await client.update_deployment(deployment.id, touched)
