"""A Prefect worker of our own, which runs flows inside its process: a warm run starts at once."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any
from uuid import UUID

import anyio.abc
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.flow_engine import run_flow_async
from prefect.flows import Flow, load_flow_from_flow_run
from prefect.states import State
from prefect.workers.base import (
    BaseJobConfiguration,
    BaseVariables,
    BaseWorker,
    BaseWorkerResult,
)


class HubWorkerResult(BaseWorkerResult):
    """How a run that was started by the worker ended."""


class HubWorker(BaseWorker[BaseJobConfiguration, BaseVariables, HubWorkerResult]):
    """Runs the hub's flows in a long-lived process.

    Its name is the name under which the process leases deliveries, so that both can be told
    to be dead by the same sign.
    """

    type = "hub"
    job_configuration = BaseJobConfiguration
    _display_name = "Loyalty Hub"
    _description = "Runs flows inside the hub's warm worker. Started by `hub up`."

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._running: dict[UUID, asyncio.Task[Any]] = {}

    async def run(
        self,
        flow_run: FlowRun,
        configuration: BaseJobConfiguration,
        task_status: anyio.abc.TaskStatus[str] | None = None,  # type: ignore[override]
    ) -> HubWorkerResult:
        """Runs one flow run to its end."""
        if task_status is not None:
            task_status.started(str(flow_run.id))
        await self.run_in_process(flow_run)
        return HubWorkerResult(identifier=str(flow_run.id), status_code=0)

    async def run_in_process(self, flow_run: FlowRun) -> State[Any] | None:
        """Runs a flow run in this process; None where it was cancelled meanwhile."""
        flow = await self._flow_of(flow_run)
        # With a deployment, the engine opens a thread and a websocket per run to learn of its
        # being suspended, and holds up the event loop, with all other runs, while that starts
        # and ends. The engine reads the run again, with its deployment, before the flow begins.
        unobserved = flow_run.model_copy(update={"deployment_id": None})
        task = asyncio.create_task(
            run_flow_async(
                flow, flow_run=unobserved, parameters=flow_run.parameters, return_type="state"
            )
        )
        self._running[flow_run.id] = task
        try:
            return await task
        except asyncio.CancelledError:
            if task.cancelled() and not _is_cancelling():
                return None
            raise
        finally:
            del self._running[flow_run.id]

    @property
    def at_work(self) -> set[UUID]:
        """The runs that this process has in hand."""
        return set(self._running)

    async def let_finish(self, *, seconds: float) -> None:
        """Waits for the runs at work; those that take longer are closed as crashed."""
        if self._running:
            await asyncio.wait(self._running.values(), timeout=seconds)

    async def follow_cancellations(self) -> None:
        """Stops the runs of this worker that somebody cancelled in the UI.

        Prefect's own way is for runs that have processes of their own.
        """
        cancelled = await self.client.read_flow_runs(
            work_pool_filter=WorkPoolFilter(
                name=WorkPoolFilterName(any_=[self.work_pool.name]),
            ),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CANCELLING]))
            ),
        )
        mine = [one for one in cancelled if worker_of(one) == self.name]
        await asyncio.gather(*(self._cancel_run(one.id) for one in mine))

    async def _cancel_run(self, flow_run_id: UUID) -> None:
        task = self._running.get(flow_run_id)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        flow_run = await self.client.read_flow_run(flow_run_id)
        await self._mark_flow_run_as_cancelled(
            flow_run, state_updates={"message": "Cancelled; what it had booked stays booked."}
        )

    async def _flow_of(self, flow_run: FlowRun) -> Flow[..., Any]:
        assert flow_run.deployment_id is not None
        deployment = await self.client.read_deployment(flow_run.deployment_id)
        return flow_at(deployment.entrypoint or "") or await load_flow_from_flow_run(flow_run)


def worker_of(flow_run: FlowRun) -> str:
    """The worker that has or had a run; empty where no worker of ours took it up."""
    return str((flow_run.labels or {}).get("prefect.worker.name", ""))


def flow_at(entrypoint: str) -> Flow[..., Any] | None:
    """The flow of an entrypoint of ours (`flows/orders.py:orders`), imported once."""
    path, _, name = entrypoint.partition(":")
    if not path.startswith("flows/") or not path.endswith(".py"):
        return None
    module = import_module(path.removesuffix(".py").replace("/", "."))
    found = getattr(module, name, None)
    return found if isinstance(found, Flow) else None


def _is_cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
