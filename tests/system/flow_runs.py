"""Deployments started as their forms in the Prefect UI start them, and what their runs left."""

from __future__ import annotations

import json
from typing import Any

from tests.running_hub import until
from tests.system.watch import Watch


async def start(watch: Watch, deployment: str, **parameters: Any) -> str:
    """Starts a deployment as its form does; the run's id."""
    found = await watch.deployment(deployment)
    reply = await watch.api.post(
        f"/deployments/{found['id']}/create_flow_run", json={"parameters": parameters}
    )
    reply.raise_for_status()
    return str(reply.json()["id"])


async def reaches(watch: Watch, run_id: str, *wanted: str) -> dict[str, Any]:
    """The run, once it is in one of these states."""

    async def there() -> dict[str, Any] | None:
        run: dict[str, Any] = (await watch.api.get(f"/flow_runs/{run_id}")).json()
        ended = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
        assert run["state_type"] in wanted or run["state_type"] not in ended, run["state"]
        return run if run["state_type"] in wanted else None

    found: dict[str, Any] = await until(there, 30)
    return found


async def artifact(watch: Watch, run_id: str, key: str) -> str:
    """The markdown that a run left, or its table as JSON."""
    wanted = {"artifacts": {"flow_run_id": {"any_": [run_id]}, "key": {"any_": [key]}}}
    reply = await watch.api.post("/artifacts/filter", json=wanted)
    (found,) = reply.json()
    return str(found["data"])


async def table(watch: Watch, run_id: str, key: str) -> list[dict[str, Any]]:
    """The rows of the table that a run left."""
    found: list[dict[str, Any]] = json.loads(await artifact(watch, run_id, key))
    return found
