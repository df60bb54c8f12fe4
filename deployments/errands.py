"""Starts the runs that the console and others asked for: each once, also after a crash."""

from __future__ import annotations

import logging

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    DeploymentFilterTags,
)
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import PrefectHTTPStatusError

from flows.runtime import Hub
from loyalty.store import errands
from loyalty.store.errands import Errand

logger = logging.getLogger(__name__)

TAG = "errand"


class Unstartable(Exception):
    """This errand will never have a run as it is; the text says why and what to do."""


async def run_errands(hub: Hub, client: PrefectClient) -> int:
    """Starts what is due; returns how many runs were started.

    Prefect knows the errand by its idempotency key: asked twice, it answers with the run there
    is. While Prefect is away the errand waits, and that counts as no attempt.
    """
    async with hub.database.begin() as connection:
        taken = await errands.take(connection, now=hub.clock())
    runs = 0
    for errand in taken:
        runs += await _run(hub, client, errand)
    return runs


async def _run(hub: Hub, client: PrefectClient, errand: Errand) -> bool:
    try:
        flow_run = await _start(client, errand)
    except Unstartable as error:
        await _not_started(hub, errand, str(error), is_final=True)
        return False
    except PrefectHTTPStatusError as error:
        status = error.response.status_code
        problem = f"Prefect answered {status}; is its server well?"
        await _not_started(hub, errand, problem, is_final=False)
        return False
    async with hub.database.begin() as connection:
        await errands.started(connection, errand.key, run_id=flow_run.id, now=hub.clock())
    return True


async def _start(client: PrefectClient, errand: Errand) -> FlowRun:
    found = await client.read_deployments(
        deployment_filter=DeploymentFilter(
            name=DeploymentFilterName(any_=[errand.deployment]),
            tags=DeploymentFilterTags(all_=["loyalty-hub"]),
        ),
        limit=2,
    )
    if not found:
        raise Unstartable(
            f"Prefect has no deployment {errand.deployment}: deploy it (`hub up` does), "
            "then try again"
        )
    try:
        return await client.create_flow_run_from_deployment(
            found[0].id,
            parameters=dict(errand.parameters),
            idempotency_key=f"errand:{errand.deployment}:{errand.key}",
            tags=[TAG],
        )
    except PrefectHTTPStatusError as error:
        if error.response.status_code in (400, 404, 409, 422):
            raise Unstartable(
                f"Prefect does not take the parameters of {errand.deployment}: "
                "start it from the Prefect UI to see which"
            ) from error
        raise


async def _not_started(hub: Hub, errand: Errand, problem: str, *, is_final: bool) -> None:
    logger.warning("the errand %s has no run yet: %s", errand.key, problem)
    async with hub.database.begin() as connection:
        await errands.not_started(
            connection, errand, problem=problem, now=hub.clock(), is_final=is_final
        )
