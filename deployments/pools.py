"""The work pool that the warm worker serves."""

from __future__ import annotations

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists

from deployments.worker import HubWorker


async def ensure_work_pool(name: str) -> None:
    """Makes the work pool of type `hub` where it is missing."""
    async with get_client() as client:
        try:
            await client.create_work_pool(
                WorkPoolCreate(
                    name=name,
                    type=HubWorker.type,
                    base_job_template=HubWorker.get_default_base_job_template(),
                    description="Runs inside the hub's warm worker; started by `hub up`.",
                )
            )
        except ObjectAlreadyExists:
            return
