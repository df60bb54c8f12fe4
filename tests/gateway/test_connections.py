"""The table of connections: kept up to date without a restart, and honest about broken ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic

import pytest
from sqlalchemy import event

from loyalty.store import connections
from tests.gateway.conftest import Running, Serve
from tests.gateway.till import ACCOUNT, SECRET

Sale = Callable[..., bytes]


async def until(status: int, send: Callable[[], object]) -> None:
    """Sends until the answer has the status, for some seconds at most."""
    async with asyncio.timeout(5):
        while (await send()).status_code != status:  # type: ignore[misc,union-attr]
            await asyncio.sleep(0.02)


async def test_a_connection_that_is_added_receives_at_once(serve: Serve, sale: Sale) -> None:
    hub: Running = await serve()
    assert (await hub.post(sale(1))).status_code == 404
    await hub.add()
    await until(202, lambda: hub.post(sale(1)))


async def test_new_credentials_take_effect_without_a_restart(hub: Running, sale: Sale) -> None:
    assert (await hub.post(sale(1))).status_code == 202
    await hub.add(content={**ACCOUNT.plain(), "signing_secret": "another-secret"})
    await until(401, lambda: hub.post(sale(1)))
    await hub.add()
    await until(202, lambda: hub.post(sale(1)))


@pytest.mark.parametrize("state", ["paused", "refused"])
async def test_a_pause_concerns_sending_and_not_receiving(
    serve: Serve, sale: Sale, state: str
) -> None:
    hub: Running = await serve()
    await hub.add(state=state, reason="paused by a person")
    assert (await hub.post(sale(1))).status_code == 202


async def test_an_invalid_connection_is_503_so_that_the_vendor_sends_again(
    serve: Serve, sale: Sale
) -> None:
    hub: Running = await serve()
    await hub.add(state="invalid", reason="the token has a line break")
    answer = await hub.post(sale(1))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert "the token has a line break" in answer.json()["error"]


async def test_a_removed_connection_is_404(serve: Serve, sale: Sale) -> None:
    hub: Running = await serve()
    await hub.add(state="absent")
    answer = await hub.post(sale(1))
    assert answer.status_code == 404
    assert "was removed" in answer.json()["error"]


async def test_a_connection_without_webhooks_is_404(serve: Serve, sale: Sale) -> None:
    hub: Running = await serve()
    await hub.add(vendor="silent")
    answer = await hub.post(sale(1), path="/hooks/silent/main")
    assert answer.status_code == 404
    assert "receives no webhooks" in answer.json()["error"]


BROKEN = {
    "another key": ({"sealed": b"gAAAAABnot-ours"}, "sealed with another key"),
    "a field is missing": ({"content": {"signing_secret": "x"}}, "incomplete or wrong (token)"),
    "an unknown connector": ({"vendor": "gone"}, "there is no connector gone"),
}


@pytest.mark.parametrize(("options", "problem"), BROKEN.values(), ids=list(BROKEN))
async def test_a_broken_connection_is_503_and_the_others_receive(
    serve: Serve, sale: Sale, options: dict[str, object], problem: str
) -> None:
    hub: Running = await serve()
    await hub.add("broken", **options)  # type: ignore[arg-type]
    await hub.add()
    await until(202, lambda: hub.post(sale(1)))
    vendor = options.get("vendor", "till")
    answer = await hub.post(sale(1), path=f"/hooks/{vendor}/broken")
    assert answer.status_code == 503
    assert problem in answer.json()["error"]
    ready = (await hub.client.get("/readyz")).json()
    assert ready["ready"], "one broken connection does not close the gateway"
    assert problem in ready["warnings"][0]
    assert problem.split("(")[0] in (await hub.client.get("/")).text


async def test_a_connection_that_is_not_sealed_says_so(serve: Serve, sale: Sale) -> None:
    hub: Running = await serve()
    async with hub.database.begin() as connection:
        stored = connections.StoredConnection("till", "main", "active", "", None, "")
        await connections.put(connection, stored, now=datetime.now(UTC))
    answer = await hub.post(sale(1))
    assert answer.status_code == 503
    assert "no credentials" in answer.json()["error"]


async def test_unknown_addresses_cost_one_query_a_second_at_most(hub: Running, sale: Sale) -> None:
    await hub.post(sale(1))
    await asyncio.sleep(0.1)  # the bell of the new connection has rung by now
    started = monotonic()
    queries = []

    def count(*args: object) -> None:
        if "from connections" in str(args[2]):
            queries.append(args[2])

    engine = hub.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", count)
    try:
        answers = await asyncio.gather(
            *(hub.post(sale(1), path=f"/hooks/till/guess-{number}") for number in range(50))
        )
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert {answer.status_code for answer in answers} == {404}
    assert len(queries) <= 1 + (monotonic() - started)
    metrics = (await hub.client.get("/metrics")).text
    assert "guess" not in metrics, "guessed names make no series"
    assert 'hub_webhooks_total{connection="",outcome="unknown_connection",vendor=""}' in metrics


async def test_the_table_survives_the_loss_of_its_listening_connection(
    hub: Running, sale: Sale
) -> None:
    await hub.post(sale(1))
    await hub.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and query ilike 'listen%'"
    )
    await asyncio.sleep(0.1)
    await hub.add("second")
    await until(202, lambda: hub.post(sale(2), path="/hooks/till/second"))
    assert SECRET not in (await hub.client.get("/")).text
