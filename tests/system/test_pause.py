"""Pausing a deployment holds its events and shows how many wait; resuming works them off."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from tests.running_hub import PROJECT, until
from tests.system.shop import Shop
from tests.system.watch import Watch

ORDERS = 30


@pytest.mark.parametrize(
    "switch", ["deployment", pytest.param("work queue", marks=pytest.mark.long)]
)
async def test_a_paused_deployment_holds_its_events_and_works_them_off_when_resumed(
    shop: Shop, watch: Watch, switch: str
) -> None:
    people = shop.people(5)
    await shop.sign_up(people)
    await watch.calm()
    await flip(watch, switch, True)
    await until(lambda: says(watch, "orders", 0), 20)

    orders = shop.orders(people * (ORDERS // len(people)))
    await shop.sell(orders)
    [newcomer] = shop.people(1)
    await shop.sign_up([newcomer])
    await until(lambda: says(watch, "orders", ORDERS), 20)
    assert await waiting(watch) == {"orders": ORDERS}, "other triggers go on"
    page = (await watch.vendors.get(watch.hub.settings.base_url)).text
    assert f'<td class="number">{ORDERS}</td>' in page
    assert '<span class="wait">paused' in page
    report = await asyncio.to_thread(doctor, watch)
    assert str(ORDERS) in report
    assert "paused" in report

    await flip(watch, switch, False)
    await watch.worked_off(20)
    await watch.check_books(orders)
    assert await watch.wrong_messages() == []


async def flip(watch: Watch, switch: str, is_paused: bool) -> None:
    """What the API does for a deployment, or the UI's switch for its work queue."""
    if switch == "deployment":
        await watch.pause("orders", is_paused)
        return
    await watch.pause_queue("orders", is_paused)


async def waiting(watch: Watch) -> dict[str, int]:
    rows = await watch.rows(
        "select trigger, count(*) as n from inbox where state = 'waiting' group by trigger"
    )
    return {row.trigger: row.n for row in rows}


async def says(watch: Watch, trigger: str, count: int) -> bool:
    """Whether the metrics say that the trigger is paused, and how many events wait for it."""
    metrics = (await watch.vendors.get(f"{watch.hub.settings.base_url}/metrics")).text
    return f'hub_events_waiting{{paused="true",trigger="{trigger}"}} {count}.0' in metrics or (
        f'hub_events_waiting{{trigger="{trigger}",paused="true"}} {count}.0' in metrics
    )


def doctor(watch: Watch) -> str:
    """What `hub doctor` prints."""
    done = subprocess.run(
        [sys.executable, "-c", "from deployments.cli import main; main()", "doctor"],
        env={**os.environ, **watch.hub.environment},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr
