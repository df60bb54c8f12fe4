"""`hub doctor`: looks at everything side by side and says what to do about what is wrong."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

import httpx
from rich.table import Table
from rich.text import Text

from deployments.cli.answers import answering, console, counted, write_json
from deployments.cli.checks.backlog import check_deliveries, check_events, check_rejects
from deployments.cli.checks.connections import (
    check_budgets,
    check_connections,
    check_routes,
    check_subscriptions,
    check_sunsets,
)
from deployments.cli.checks.finding import Finding, Health, ok, problem
from deployments.cli.checks.prefect import Deployed, ask_prefect, check_pauses
from deployments.cli.checks.store import Snapshot, check_home, look_into
from deployments.cli.checks.texts import check_letterhead, check_texts
from deployments.cli.desk import read_settings
from flows.runtime import wall_clock
from loyalty.settings import HubSettings

_COLOURS = {Health.OK: "green", Health.NOTE: "yellow", Health.PROBLEM: "bold red"}
_WAITING = ("pending", "parked", "held")


@answering
def run_doctor(*, as_json: bool) -> int:
    """Prints every finding; exit 0 where all is well, 1 where something is wrong."""
    findings = asyncio.run(examine(read_settings()))
    is_well = all(one.health is not Health.PROBLEM for one in findings)
    if as_json:
        write_json({"is_well": is_well, "findings": [asdict(one) for one in findings]})
    else:
        _tell(findings, is_well=is_well)
    return 0 if is_well else 1


async def examine(settings: HubSettings) -> list[Finding]:
    """Everything there is to say of this hub; what is down only shortens it."""
    home = check_home(settings)
    # Beside the others: it reads files and reckons while they wait for vendors.
    texts = asyncio.create_task(asyncio.to_thread(check_texts, settings))
    (stored, snapshot), (prefect, deployed), gateway = await asyncio.gather(
        look_into(settings, wall_clock()), ask_prefect(settings), _ask_gateway(settings)
    )
    findings = [home, *stored, gateway, *prefect]
    if snapshot is None:
        return [*findings, *await texts]
    return [
        *findings,
        *check_pauses(_paused(deployed, snapshot), _waiting(snapshot)),
        *await check_connections(settings, snapshot),
        *check_subscriptions(settings, snapshot),
        *check_sunsets(snapshot, wall_clock().date()),
        *check_routes(snapshot),
        *check_letterhead(snapshot),
        *check_budgets(snapshot),
        *check_deliveries(snapshot),
        *check_events(snapshot),
        *check_rejects(snapshot),
        *await texts,
    ]


async def _ask_gateway(settings: HubSettings) -> Finding:
    url = f"{settings.base_url}/readyz"
    try:
        async with httpx.AsyncClient(timeout=5.0) as client:
            answer = await client.get(url)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        says = f"no answer at {settings.base_url} ({type(error).__name__}): webhooks do not arrive"
        return problem("gateway", says, "start it with `hub up`, or set HUB_PUBLIC_URL")
    if answer.status_code != httpx.codes.OK:
        says = f"{url} answers {answer.status_code}: {answer.text[:200]}"
        return problem("gateway", says, "see logs/gateway.log in HUB_HOME")
    return ok("gateway", f"takes webhooks at {settings.base_url}/hooks/")


def _paused(deployed: Sequence[Deployed] | None, snapshot: Snapshot) -> set[str]:
    """What is held: as Prefect says, and as the worker saw it, which knows of work queues too."""
    return set(snapshot.paused) | {one.name for one in deployed or () if one.is_paused}


def _waiting(snapshot: Snapshot) -> dict[str, int]:
    unsent = sum(one.count for one in snapshot.tally if one.state in _WAITING)
    return {**snapshot.waiting, "deliver": unsent}


def _tell(findings: Sequence[Finding], *, is_well: bool) -> None:
    out = console()
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in findings:
        line = Text.assemble((f"{one.check}: ", "bold"), one.says)
        if one.to_do:
            line.append(f"\n→ {one.to_do}", style="cyan")
        table.add_row(Text(one.health.value, style=_COLOURS[one.health]), line)
    out.print(table)
    counts = Counter(one.health for one in findings)
    out.print()
    if is_well:
        out.print(Text("All is well.", style="green"))
    else:
        out.print(Text(f"{counted(counts[Health.PROBLEM], 'problem')}.", style="bold red"))
