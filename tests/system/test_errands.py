"""Errands: a run that is asked for in the store is started once, and a crash makes no second."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from loyalty.store import errands
from loyalty.store.errands import Errand
from tests.system.conftest import until
from tests.system.watch import Watch


async def _ask(watch: Watch, key: str, deployment: str, parameters: dict[str, Any]) -> None:
    async with watch.books.begin() as connection:
        await errands.ask(
            connection, deployment=deployment, parameters=parameters, key=key,
            now=datetime.now(UTC),
        )  # fmt: skip


async def _ended(watch: Watch, key: str) -> Errand | None:
    async with watch.books.begin() as connection:
        found = (await errands.find(connection, [key]))[key]
    return found if found.state != "asked" else None


async def _run(watch: Watch, run_id: UUID) -> dict[str, Any] | None:
    found: dict[str, Any] = (await watch.api.get(f"/flow_runs/{run_id}")).json()
    return found if found["state_type"] in ("COMPLETED", "FAILED", "CRASHED") else None


async def test_what_is_asked_for_runs_once_though_the_worker_forgets_that_it_started_it(
    watch: Watch,
) -> None:
    key = f"test:{uuid4()}"
    await _ask(watch, key, "replay", {"events": [], "reason": key})
    first = await until(lambda: _ended(watch, key), 15)
    assert first.state == "started"
    run = await until(lambda: _run(watch, first.run_id), 30)
    assert run["state_type"] == "COMPLETED"
    assert run["parameters"]["reason"] == key
    # As it is where the worker died after Prefect made the run and before the store knew.
    async with watch.books.begin() as connection:
        await connection.execute(
            text("update errands set state = 'asked', run_id = null, due_at = now(),"
                 " ended_at = null where key = :key"),
            {"key": key},
        )  # fmt: skip
    again = await until(lambda: _ended(watch, key), 15)
    assert again.run_id == first.run_id
    rows = await watch.rows(
        "select count(*) as n from audit where action = 'replay' and detail ->> 'why' = :key",
        key=key,
    )
    assert rows[0].n == 1


async def test_an_errand_that_can_never_run_says_why(watch: Watch) -> None:
    for deployment, parameters, why in (
        ("no-such-thing", {}, "no deployment no-such-thing"),
        ("replay", {"reason": {"not": "a text"}}, "does not take the parameters"),
    ):
        key = f"test:{uuid4()}"
        await _ask(watch, key, deployment, parameters)
        found = await until(lambda key=key: _ended(watch, key), 15)
        assert found.state == "failed"
        assert why in found.problem
