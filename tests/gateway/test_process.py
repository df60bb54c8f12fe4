"""The gateway as a process of its own: its bounds against slow senders, its stop, its imports."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from connectors.kit import registry
from connectors.shopify.sandbox import SANDBOX_ACCOUNT, ShopifySandbox
from gateway.protocol import BoundedHttp
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database
from loyalty.store.vault import Vault
from tests.gateway.conftest import Running, Serve, add_connection

ROOT = Path(__file__).parents[2]
HEAD = b"POST /hooks/till/main HTTP/1.1\r\nhost: x\r\n"


class Impatient(BoundedHttp):
    head_seconds = 0.2


async def test_a_head_that_does_not_end_is_hung_up_on(serve: Serve) -> None:
    hub: Running = await serve(protocol=Impatient)
    assert await hub.raw(HEAD, seconds=3) == b""
    assert await hub.raw(b"", seconds=3) == b"", "so is a sender that says nothing"


async def test_a_second_head_on_the_same_connection_is_bounded_too(serve: Serve) -> None:
    hub: Running = await serve(protocol=Impatient)
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readuntil(b'{"alive":true}')
    writer.write(HEAD)
    async with asyncio.timeout(3):
        assert await reader.read() == b""
    writer.close()


async def test_a_slow_body_is_not_cut_off_by_the_bound_of_the_head(serve: Serve) -> None:
    hub: Running = await serve(protocol=Impatient)
    await hub.add()
    body = b'{"sales": [1]}'
    headers = hub.signed(body)

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:5]
        await asyncio.sleep(0.5)
        yield body[5:]

    answer = await hub.client.post("/hooks/till/main", content=slowly(), headers=headers)
    assert answer.status_code == 202


async def test_a_head_that_is_too_large_is_400(serve: Serve) -> None:
    hub: Running = await serve()
    answer = await hub.raw(HEAD + b"x-filler: " + b"y" * 200_000)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"too large" in answer


@dataclass
class Process:
    """A gateway process."""

    address: str
    handle: subprocess.Popen[bytes]
    log: Path


@asynccontextmanager
async def process(database_url: str, home: Path) -> AsyncIterator[Process]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    log = home / "gateway.log"
    environment = {
        **os.environ,
        "HUB_HOME": str(home),
        "HUB_DATABASE_URL": database_url,
        "HUB_PORT": str(port),
    }
    with log.open("wb") as file:
        handle = subprocess.Popen(
            [sys.executable, "-m", "gateway.serve"],
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=file,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient() as client, asyncio.timeout(30):
            while True:
                try:
                    if (await client.get(f"{address}/readyz")).status_code == 200:
                        break
                except httpx.TransportError:
                    assert handle.poll() is None, log.read_text()
                await asyncio.sleep(0.05)
        yield Process(address, handle, log)
    finally:
        handle.kill()
        handle.wait()


async def shop(database: Database, home: Path) -> None:
    stored = StoredConnection("shopify", "main", "active", "", None, "")
    vault = Vault.of(home, SecretStr(""))
    await add_connection(database, vault, stored, dict(SANDBOX_ACCOUNT))


async def test_a_signed_shopify_order_is_accepted_and_a_stop_answers_what_is_under_way(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    import json

    await shop(database, tmp_path)
    sample = ROOT / "connectors/shopify/samples/orders_paid.json"
    payload = json.loads(sample.read_text())
    account = registry.manifest("shopify").account.model_validate(SANDBOX_ACCOUNT)
    sandbox = ShopifySandbox()
    async with process(database_url, tmp_path) as hub, httpx.AsyncClient(timeout=20) as client:
        hook = f"{hub.address}/hooks/shopify/main"

        async def send(delivery: str, number: int) -> httpx.Response:
            request = sandbox.prepare(
                hook,
                "orders/paid",
                {**payload, "id": number},
                account=account,
                delivery_id=delivery,
            )
            return await client.post(hook, content=request.body, headers=dict(request.headers))

        first, second = await asyncio.gather(send("a", 1), send("a", 1))
        third = await send("b", 1)
        assert [one.status_code for one in (first, second, third)] == [202, 202, 202]
        assert sorted(one.json()["accepted"] for one in (first, second, third)) == [0, 0, 1]

        async with database.begin() as blocker:
            await blocker.execute(text("lock table inbox in access exclusive mode"))
            under_way = [asyncio.create_task(send("c", 10 + number)) for number in range(5)]
            await asyncio.sleep(0.3)
            hub.handle.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.3)
            assert hub.handle.poll() is None, "it waits for what is under way"
        answers = await asyncio.gather(*under_way)
        assert [answer.status_code for answer in answers] == [202] * 5
        assert await asyncio.to_thread(hub.handle.wait, 10) == 0
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{hub.address}/healthz")
    async with database.begin() as connection:
        count = (await connection.execute(text("select count(*) from inbox"))).scalar_one()
    assert count == 6
    log = hub.log.read_text()
    assert "Traceback" not in log
    assert str(SANDBOX_ACCOUNT["client_secret"]) not in log


async def test_the_process_is_small_and_loads_neither_prefect_nor_flows(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    await shop(database, tmp_path)
    async with process(database_url, tmp_path) as hub:
        resident = psutil.Process(hub.handle.pid).memory_info().rss / 1e6
        maps = Path(f"/proc/{hub.handle.pid}/maps")
        if maps.exists():
            assert "prefect" not in maps.read_text()
    assert resident < 150, f"{resident:.0f} MB"
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, gateway.serve; print([m for m in sys.modules"
            " if m.split('.')[0] in ('prefect', 'flows', 'deployments')])",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout.strip() == "[]"


def test_without_a_database_address_it_says_what_to_do(tmp_path: Path) -> None:
    environment = {**os.environ, "HUB_HOME": str(tmp_path)}
    environment.pop("HUB_DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "-m", "gateway.serve"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "HUB_DATABASE_URL is not set" in done.stderr


def test_the_clock_of_the_process_is_aware() -> None:
    from gateway.app import _now

    assert _now().tzinfo is UTC
    assert abs((_now() - datetime.now(UTC)).total_seconds()) < 1
