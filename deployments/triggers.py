"""The trigger deployments: which are paused, which run warm here, which run in another pool."""

from __future__ import annotations

import logging
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    DeploymentFilterTags,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed, Scheduled

from deployments.pauses import paused_among
from deployments.standby import STANDBY_TAG, close_run
from deployments.worker import worker_of
from flows.runtime import Hub
from loyalty.store import workers

logger = logging.getLogger(__name__)

_OPEN = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
_UNDER_WAY = [*_OPEN, StateType.SCHEDULED]
PAGE = 200

NAMELESS = timedelta(seconds=30)
"""How long a run may be on its way to a worker, or to its end."""

LOST = timedelta(minutes=10)
"""After how long in one state a run in another work pool no longer keeps others from starting."""


@dataclass(frozen=True, slots=True)
class TriggerDeployment:
    """A deployment that works off events."""

    trigger: str
    id: UUID
    is_paused: bool
    work_pool: str


async def read_triggers(client: PrefectClient) -> dict[str, TriggerDeployment]:
    """The trigger deployments, by trigger."""
    found = await client.read_deployments(
        deployment_filter=DeploymentFilter(
            tags=DeploymentFilterTags(all_=["loyalty-hub", "trigger"])
        ),
        limit=PAGE,
    )
    held = await paused_among(client, found)
    return {
        one.name: TriggerDeployment(one.name, one.id, one.id in held, one.work_pool_name or "")
        for one in found
    }


async def save_triggers(hub: Hub, found: dict[str, TriggerDeployment], *, now: datetime) -> None:
    """Keeps what the deployments say in the store, and holds or frees the bells."""
    async with hub.database.begin() as connection:
        for one in found.values():
            await workers.save_trigger(
                connection,
                one.trigger,
                is_paused=one.is_paused,
                work_pool=one.work_pool,
                now=now,
            )
    for one in found.values():
        hub.bells.of(one.trigger).hold(one.is_paused)


async def start_elsewhere(
    client: PrefectClient, deployment: TriggerDeployment, *, now: datetime
) -> bool:
    """Starts a run in another work pool, unless one is under way that has not taken its events.

    A run that is Running may have looked already, so one more may wait behind it; two that
    wait would find nothing to do.
    """
    waiting = await client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_UNDER_WAY))
        ),
        limit=PAGE,
    )
    alive = [one for one in waiting if not seems_lost(one, now)]
    if any(one.state_type is not StateType.RUNNING for one in alive) or len(alive) > 1:
        return False
    await client.create_flow_run_from_deployment(deployment.id)
    return True


def seems_lost(flow_run: FlowRun, now: datetime) -> bool:
    """Whether a run elsewhere has been at it for so long that its process may have died.

    Prefect leaves such a run open for ever. Another run beside one that is only slow does no
    harm: each takes its own events.
    """
    state = flow_run.state
    if state is None or state.is_scheduled():
        return False
    return state.timestamp < now - LOST


async def close_orphans(client: PrefectClient, hub: Hub, at_work: Collection[UUID]) -> int:
    """Closes runs that nobody has in hand, so that nothing stays Running; returns how many.

    They are those of workers that died, and of this worker those that it lost because Prefect
    was away when they began or ended.
    """
    open_runs = await client.read_flow_runs(
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[hub.settings.work_pool])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_OPEN))
        ),
        limit=PAGE,
    )
    async with hub.database.begin() as connection:
        alive = set(await workers.living(connection, now=hub.clock(), alive=hub.patience()))
    alive.discard(hub.owner)
    rest = [one for one in open_runs if one.id not in at_work]
    orphans = [one for one in rest if _is_orphan(one, hub, alive)]
    for orphan in orphans:
        await _close(client, orphan)
    return len(orphans)


def _is_orphan(flow_run: FlowRun, hub: Hub, alive: Collection[str]) -> bool:
    name, state = worker_of(flow_run), flow_run.state
    if name in alive or state is None:
        return False
    if name not in ("", hub.owner):
        return True
    # A worker that died at once left no name on it; one of our own may be on its way.
    return bool(state.timestamp < hub.clock() - NAMELESS)


async def _close(client: PrefectClient, orphan: FlowRun) -> None:
    if STANDBY_TAG in orphan.tags:
        with suppress(ObjectNotFound):
            await client.delete_flow_run(orphan.id)
        return
    if orphan.state is not None and orphan.state.is_pending():
        await close_run(client, orphan.id, Scheduled())  # It had not begun: another takes it up.
        return
    message = "Its worker died or lost it. What was booked stays booked; the rest goes on."
    await close_run(client, orphan.id, Crashed(message=message))
    logger.warning("closed run %s, which worker %s left open", orphan.name, worker_of(orphan))
