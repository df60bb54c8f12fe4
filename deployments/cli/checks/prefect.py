"""Prefect as seen through its REST API: asked directly, since loading its client takes seconds.

https://docs.prefect.io/v3/api-ref/rest-api/server
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import httpx
import yaml

from deployments.child import PROJECT
from deployments.cli.checks.finding import Finding, note, ok, problem
from loyalty.events import TRIGGERS
from loyalty.settings import HubSettings

SECONDS = 5.0
PAGE = 200
TAG = "loyalty-hub"


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployment of ours as Prefect has it."""

    name: str
    is_paused: bool
    work_pool: str


def api_url(settings: HubSettings) -> str:
    """Where Prefect is: as PREFECT_API_URL says, else the server of `hub up`."""
    return (os.environ.get("PREFECT_API_URL") or settings.prefect_api_url).rstrip("/")


async def ask_prefect(settings: HubSettings) -> tuple[list[Finding], list[Deployed] | None]:
    """Findings on the Prefect server, and our deployments where it answers."""
    url = api_url(settings)
    try:
        async with _client(url) as client:
            served = (await _get(client, "/admin/version")).strip('"')
            deployed = await _read_deployments(client)
            pools = sorted({settings.work_pool, *(d.work_pool for d in deployed)} - {""})
            found = [await _pool(client, name) for name in pools]
    except httpx.HTTPStatusError as error:
        return [_refusal(url, error.response.status_code)], None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        says = f"no answer at {url} ({type(error).__name__})"
        to_do = "start it with `hub up`; meanwhile webhooks are kept and nothing is lost"
        return [problem("Prefect", says, to_do)], None
    except (ValueError, KeyError, TypeError):
        return [problem("Prefect", f"what answers at {url} is no Prefect server", _LOOK)], None
    return [_version(url, served), *found, *missing(deployed)], deployed


_LOOK = "see that HUB_PREFECT_PORT or PREFECT_API_URL is right"


def _client(url: str) -> httpx.AsyncClient:
    """A client with the credentials of Prefect's own client settings, where there are any."""
    user, _, password = os.environ.get("PREFECT_API_AUTH_STRING", "").partition(":")
    auth = httpx.BasicAuth(user, password) if user else None
    return httpx.AsyncClient(base_url=url, timeout=SECONDS, auth=auth)


async def _get(client: httpx.AsyncClient, path: str) -> str:
    answer = await client.get(path)
    answer.raise_for_status()
    return answer.text


async def _read_deployments(client: httpx.AsyncClient) -> list[Deployed]:
    wanted = {"deployments": {"tags": {"all_": [TAG]}}, "limit": PAGE}
    answer = await client.post("/deployments/filter", json=wanted)
    answer.raise_for_status()
    return [
        Deployed(str(one["name"]), bool(one["paused"]), str(one["work_pool_name"] or ""))
        for one in answer.json()
    ]


async def _pool(client: httpx.AsyncClient, name: str) -> Finding:
    check = f"work pool {name}"
    answer = await client.get(f"/work_pools/{name}")
    if answer.status_code == httpx.codes.NOT_FOUND:
        return problem(check, "is not there", "`hub up` makes it")
    answer.raise_for_status()
    pool: Mapping[str, Any] = answer.json()
    status = str(pool.get("status") or "unknown").lower()
    says = f"of type {pool.get('type')}, {status.replace('_', ' ')}"
    if pool.get("is_paused"):
        return problem(check, says, "resume it in the Prefect UI: its runs do not start")
    if status == "ready":
        return ok(check, says)
    to_do = "start the hub with `hub up`" if pool.get("type") == "hub" else _worker(name)
    return problem(check, f"{says}: no worker of it lives", to_do)


def _worker(pool: str) -> str:
    return f"start a worker: `prefect worker start --pool {pool}`"


def _refusal(url: str, status: int) -> Finding:
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return problem("Prefect", f"{url} answers {status}", "set PREFECT_API_AUTH_STRING")
    return problem("Prefect", f"{url} answers {status}", _LOOK)


def _version(url: str, served: str) -> Finding:
    ours = version("prefect")
    if served != ours:
        says = f"{served} at {url}, but {ours} is installed here"
        return problem("Prefect", says, "run the server and the workers with the same version")
    return ok("Prefect", f"{served} at {url}")


def missing(deployed: list[Deployed]) -> list[Finding]:
    """What `prefect.yaml` names and Prefect does not have."""
    present = {one.name for one in deployed}
    gone = [name for name in deployment_names() if name not in present]
    if not gone:
        return [ok("deployments", f"all {len(present)} are there")]
    to_do = "`prefect deploy --all`, or delete `prepared` in HUB_HOME and start `hub up` again"
    return [problem("deployments", f"missing: {', '.join(gone)}", to_do)]


def deployment_names() -> list[str]:
    """The deployments that belong to the hub."""
    path = PROJECT / "prefect.yaml"
    if not path.exists():
        return [*TRIGGERS, "deliver"]
    return [one["name"] for one in yaml.safe_load(path.read_text("utf-8"))["deployments"]]


def check_pauses(paused: set[str], waiting: Mapping[str, int]) -> list[Finding]:
    """The paused deployments, and how much waits for each.

    Args:
        waiting: Events by trigger, and deliveries under `deliver`.
    """
    findings = []
    for name in sorted(paused):
        count = waiting.get(name, 0)
        what = "deliveries" if name == "deliver" else "events"
        resume = "resume it in the Prefect UI: what waits is worked off at once"
        if count:
            findings.append(problem(f"deployment {name}", f"paused, {count} {what} wait", resume))
        else:
            findings.append(note(f"deployment {name}", "paused; nothing waits for it", resume))
    return findings
