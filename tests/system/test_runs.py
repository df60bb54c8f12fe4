"""The life of runs: cancelled, idle, and left behind by workers that are no more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from deployments.demo.cast import BALM
from deployments.standby import STANDBY_TAG
from tests.running_hub import until
from tests.system.another_worker import another_worker
from tests.system.shop import Shop
from tests.system.watch import Watch

pytestmark = pytest.mark.durability


async def test_a_run_that_is_cancelled_ends_and_gives_its_deliveries_to_another(
    shop: Shop, watch: Watch
) -> None:
    """A slow vendor keeps the run; what it had not begun to send is sent by the next."""
    [buyer] = shop.people(1)
    await shop.sign_up([buyer])
    await watch.calm()
    orders = shop.orders([buyer] * 40, [BALM])
    await watch.fail("twilio", {"when": "late", "times": 16, "hang_seconds": 6})
    await shop.sell(orders)
    run = await until(lambda: run_of(watch, orders[0].id), 20)
    reply = await watch.api.post(
        f"/flow_runs/{run}/set_state",
        json={"state": {"type": "CANCELLING", "name": "Cancelling"}, "force": False},
    )
    assert reply.json()["status"] == "ACCEPT", reply.text
    await until(lambda: is_cancelled(watch, run), 30)
    await watch.calm()
    await watch.check_books(orders)
    assert await watch.wrong_messages() == []


async def run_of(watch: Watch, order_id: int) -> str:
    """The run that has booked an order and is still at work."""
    rows = await watch.rows("select run_id from inbox where key = :key", key=str(order_id))
    if not rows[0].run_id:
        return ""
    run = (await watch.api.get(f"/flow_runs/{rows[0].run_id}")).json()
    return str(run["id"]) if run["state_type"] == "RUNNING" else ""


async def is_cancelled(watch: Watch, run_id: str) -> bool:
    """Prefect's engine calls a run that is torn away crashed; the worker puts that right."""
    state = await final_state(watch, run_id)
    return state is not None and state["type"] == "CANCELLED"


async def final_state(watch: Watch, run_id: str) -> dict[str, Any] | None:
    state: dict[str, Any] = (await watch.api.get(f"/flow_runs/{run_id}")).json()["state"]
    return state if state["type"] in ("CANCELLED", "CRASHED", "COMPLETED", "FAILED") else None


async def test_an_idle_standby_run_ends_after_its_time_and_leaves_nothing_behind(
    watch: Watch,
) -> None:
    ended = await standbys(watch, "COMPLETED")
    async with another_worker(watch.hub, HUB_STANDBY_MINUTES="0.05") as other:
        first = await runs_of_worker(watch, other.pid)
        assert first

        async def replaced() -> bool:
            now = await runs_of_worker(watch, other.pid)
            return bool(now) and not first & now

        await until(replaced, 40)
        for run_id in first:
            await until(lambda run_id=run_id: gone(watch, run_id), 10)
    assert await runs_of_worker(watch, other.pid) == set()
    assert await standbys(watch, "COMPLETED") == ended


async def runs_of_worker(watch: Watch, pid: int) -> set[str]:
    """The open runs of the worker with this process id."""
    return {
        run["id"]
        for run in await watch.open_runs()
        if f":{pid}:" in (run.get("labels") or {}).get("prefect.worker.name", "")
    }


async def gone(watch: Watch, run_id: str) -> bool:
    return (await watch.api.get(f"/flow_runs/{run_id}")).status_code == 404


async def standbys(watch: Watch, state: str) -> int:
    wanted = {"tags": {"all_": [STANDBY_TAG]}, "state": {"type": {"any_": [state]}}}
    reply = await watch.api.post("/flow_runs/filter", json={"flow_runs": wanted, "limit": 200})
    return len(reply.json())


@pytest.mark.parametrize(("left", "becomes"), [("PENDING", "COMPLETED"), ("RUNNING", "CRASHED")])
async def test_what_a_dead_worker_left_open_is_begun_again_or_closed(
    watch: Watch, left: str, becomes: str
) -> None:
    deployment = await watch.deployment("anniversaries")
    reply = await watch.api.post(
        f"/deployments/{deployment['id']}/create_flow_run",
        json={
            "state": {"type": left, "name": left.title()},
            "labels": {"prefect.worker.name": "nowhere:1:1"},
        },
    )
    reply.raise_for_status()
    state = await until(lambda: final_state(watch, reply.json()["id"]), 40)
    assert state["type"] == becomes


async def test_slow_vendors_do_not_keep_other_events_waiting(shop: Shop, watch: Watch) -> None:
    [buyer] = shop.people(1)
    await shop.sign_up([buyer])
    await watch.calm()
    await watch.fail("twilio", {"status": 500, "hang_seconds": 8, "times": 1})
    [first, second] = shop.orders([buyer] * 2, [BALM])
    await shop.sell([first])
    await watch.booked(first)
    await asyncio.sleep(2)
    await shop.sell([second])
    await watch.booked(second, seconds=3)
    await watch.fail("twilio")
    await watch.worked_off()
