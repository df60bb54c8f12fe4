"""PostgreSQL goes away in mid-traffic and comes back; the gateway tells the truth throughout."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from loyalty.store.database import Database
from loyalty.store.embedded import HUB_DATABASE, EmbeddedPostgres
from loyalty.store.migrate import migrate
from tests.gateway.conftest import Running, running


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that may be stopped."""
    server = EmbeddedPostgres(tmp_path)
    server.start()
    server.create_databases()
    yield server
    server.stop()


@pytest_asyncio.fixture
async def hub(own_postgres: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[Running]:
    """A gateway on that PostgreSQL."""
    database = Database(own_postgres.url(HUB_DATABASE))
    await migrate(database)
    async with running(database, tmp_path) as gateway:
        await gateway.add()
        yield gateway
    await database.aclose()


async def _traffic(hub: Running, seen: list[tuple[int, str | None]], stop: asyncio.Event) -> None:
    number = 0
    while not stop.is_set():
        number += 1
        answer = await hub.post(f'{{"sales": ["{id(seen)}-{number}"]}}'.encode())
        seen.append((answer.status_code, answer.headers.get("retry-after")))
        await asyncio.sleep(0.005)


async def _until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def test_an_outage_is_503_with_retry_after_and_ends_by_itself(
    hub: Running, own_postgres: EmbeddedPostgres
) -> None:
    seen: list[list[tuple[int, str | None]]] = [[] for _ in range(4)]
    stop = asyncio.Event()
    traffic = [asyncio.create_task(_traffic(hub, one, stop)) for one in seen]
    await _until(lambda: all(len(one) > 5 for one in seen))

    await asyncio.to_thread(own_postgres.stop)
    await _until(lambda: all(one[-1][0] == 503 for one in seen))
    ready = await hub.client.get("/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    assert ready.json()["reasons"] == ["The database cannot be reached."]
    assert (await hub.client.get("/healthz")).status_code == 200
    metrics = (await hub.client.get("/metrics")).text
    assert "hub_webhooks_total" in metrics

    unknown = await hub.post(b"{}", path="/hooks/till/nobody")
    assert unknown.status_code == 503, "whether it exists cannot be said now"

    await asyncio.to_thread(own_postgres.start)
    await _until(lambda: all(one[-1][0] == 202 for one in seen))
    stop.set()
    await asyncio.gather(*traffic)

    answers = [answer for one in seen for answer in one]
    assert {status for status, _ in answers} == {202, 503}
    assert {wait for status, wait in answers if status == 503} <= {"1", "2", "3", "4", "5"}
    accepted = Counter(status for status, _ in answers)[202]
    (row,) = await hub.rows("select count(*) as n from inbox")
    assert row.n >= accepted, "what was acknowledged is there"
    assert (await hub.client.get("/readyz")).status_code == 200

    await hub.add("second")
    async with asyncio.timeout(5):
        while (await hub.post(b'{"sales": []}', path="/hooks/till/second")).status_code != 202:
            await asyncio.sleep(0.05)


async def test_a_gateway_that_starts_before_its_database_answers_503_and_then_works(
    own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    url = own_postgres.url(HUB_DATABASE)
    database = Database(url)
    await migrate(database)
    async with running(database, tmp_path) as gateway:
        await gateway.add()
    await database.engine.dispose()
    await asyncio.to_thread(own_postgres.stop)

    async with running(database, tmp_path) as gateway:
        answer = await gateway.post(b'{"sales": [1]}')
        assert answer.status_code == 503
        assert "retry-after" in answer.headers
        ready = await gateway.client.get("/readyz")
        assert "The connections are not loaded yet." in ready.json()["reasons"]
        assert "the database is away" in (await gateway.client.get("/")).text
        await asyncio.to_thread(own_postgres.start)
        async with asyncio.timeout(15):
            while (await gateway.post(b'{"sales": [1]}')).status_code != 202:
                await asyncio.sleep(0.05)
    await database.aclose()
