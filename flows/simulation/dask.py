"""Parts of a simulation on a Dask cluster, for histories that one machine takes too long for.

`prefect-dask` (the extra `dask`) and HUB_DASK are all it needs: each part is a Prefect task.
https://docs.prefect.io/integrations/prefect-dask
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from prefect import flow, task

from flows.simulation.part import work_alone
from flows.simulation.trial import Order, Part


class NoDask(Exception):
    """HUB_DASK is set and prefect-dask is not installed."""


@task(name="simulate-part", persist_result=False)
def simulate_part(order: dict[str, Any]) -> dict[str, Any]:
    """One part, in a worker of the cluster. It finds the database by its own HUB_ settings."""
    part = asyncio.run(work_alone(Order.model_validate(order)))
    return part.model_dump(mode="json")


def on_dask(address: str) -> Callable[[Sequence[Order]], Awaitable[list[Part]]]:
    """A workforce that does its parts on Dask.

    Args:
        address: Of the scheduler (tcp://host:8786); `local` for a cluster on this machine.

    Raises:
        NoDask: It is not installed.
    """
    try:
        from prefect_dask import DaskTaskRunner
    except ImportError:
        raise NoDask(
            "HUB_DASK is set and prefect-dask is not installed: install loyalty-hub[dask]"
        ) from None
    runner = DaskTaskRunner() if address == "local" else DaskTaskRunner(address=address)

    @flow(name="simulate-parts", task_runner=runner, persist_result=False)
    def simulate_parts(orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Hands the parts to the cluster and waits for all of them."""
        return [one.result() for one in [simulate_part.submit(order) for order in orders]]

    async def work_off(orders: Sequence[Order]) -> list[Part]:
        plain = [order.model_dump(mode="json") for order in orders]
        done = await asyncio.to_thread(simulate_parts, plain)
        return [Part.model_validate(one) for one in done]

    return work_off
