"""What holds a deployment: it is paused itself, or its work queue, or its work pool.

Prefect's UI has a switch for work queues and work pools and none for a deployment, which only
the API and automations can pause. All three mean the same to the hub.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    WorkPoolFilter,
    WorkPoolFilterName,
    WorkQueueFilter,
    WorkQueueFilterId,
)
from prefect.client.schemas.responses import DeploymentResponse

PAGE = 200


async def paused_among(
    client: PrefectClient, deployments: Sequence[DeploymentResponse]
) -> set[UUID]:
    """The ids of those deployments that are held."""
    names = sorted({one.work_pool_name for one in deployments if one.work_pool_name})
    ids = sorted({one.work_queue_id for one in deployments if one.work_queue_id})
    pools, queues = await asyncio.gather(
        client.read_work_pools(
            work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=names)), limit=PAGE
        ),
        client.read_work_queues(
            work_queue_filter=WorkQueueFilter(id=WorkQueueFilterId(any_=ids)), limit=PAGE
        ),
    )
    paused_pools = {one.name for one in pools if one.is_paused}
    paused_queues = {one.id for one in queues if one.is_paused}
    return {
        one.id
        for one in deployments
        if one.paused or one.work_pool_name in paused_pools or one.work_queue_id in paused_queues
    }
