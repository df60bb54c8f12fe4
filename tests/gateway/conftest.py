"""The gateway served by uvicorn on loopback, on the test's own database."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import uvicorn
from pydantic import SecretStr
from sqlalchemy import text

from connectors.kit.manifest import Manifest
from connectors.kit.webhook import InboundRequest
from gateway.app import create_app
from gateway.protocol import BoundedHttp
from gateway.work import Bounds
from loyalty.settings import HubSettings
from loyalty.store import connections
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database
from loyalty.store.vault import Vault
from tests.gateway import till
from tests.serving import served

PUBLIC = "https://hub.example"


@dataclass
class Clock:
    """A clock that tests can set; the real time otherwise."""

    fixed: datetime | None = None

    def __call__(self) -> datetime:
        return self.fixed or datetime.now(UTC)


@dataclass
class Running:
    """A gateway that listens on loopback."""

    port: int
    database: Database
    vault: Vault
    client: httpx.AsyncClient
    app: Any
    clock: Clock = field(default_factory=Clock)

    async def add(
        self,
        name: str = "main",
        *,
        vendor: str = "till",
        state: str = "active",
        reason: str = "",
        content: dict[str, Any] | None = None,
        sealed: bytes | None = None,
    ) -> None:
        """Puts a connection into the store, as the supervisor does."""
        await add_connection(
            self.database,
            self.vault,
            StoredConnection(vendor, name, state, reason, sealed, ""),
            content,
        )

    def signed(
        self,
        body: bytes,
        *,
        topic: str = "sales",
        path: str = "/hooks/till/main",
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """Headers that make the body genuine."""
        request = InboundRequest("POST", PUBLIC + path, {}, body, self.clock())
        return {
            "content-type": "application/json",
            "x-till-topic": topic,
            **till.sign(request, till.ACCOUNT),
            **(headers or {}),
        }

    async def post(
        self,
        body: bytes,
        *,
        topic: str = "sales",
        path: str = "/hooks/till/main",
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Sends a signed body."""
        signed = self.signed(body, topic=topic, path=path, headers=headers)
        return await self.client.post(path, content=body, headers=signed)

    async def rows(self, query: str) -> list[Any]:
        """What the database answers."""
        async with self.database.begin() as connection:
            return list((await connection.execute(text(query))).all())

    async def raw(self, content: bytes, *, seconds: float = 10.0) -> bytes:
        """Writes bytes on a connection of their own and reads until it is closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(content)
        try:
            async with asyncio.timeout(seconds):
                return await reader.read()
        finally:
            writer.close()


async def add_connection(
    database: Database, vault: Vault, stored: StoredConnection, content: dict[str, Any] | None
) -> None:
    """Seals the till's account (or the given content) and stores the connection."""
    sealed = stored.sealed or vault.seal(content or till.ACCOUNT.plain())
    whole = StoredConnection(
        stored.connector, stored.name, stored.state, stored.reason, sealed, "print"
    )
    async with database.begin() as connection:
        await connections.put(connection, whole, now=datetime.now(UTC))


@asynccontextmanager
async def running(
    database: Database,
    home: Path,
    *,
    manifests: Callable[[str], Manifest] = till.manifests,
    bounds: Bounds | None = None,
    protocol: type[BoundedHttp] = BoundedHttp,
    public: str = PUBLIC,
) -> AsyncIterator[Running]:
    """A gateway on a free port, stopped gracefully at the end.

    Args:
        public: Its address as people know it; `{port}` stands for the port.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    settings = HubSettings(home=home, public_url=public.format(port=port))
    vault = Vault.of(settings.root, SecretStr(""))
    clock = Clock()
    app = create_app(settings, database, vault, clock=clock, manifests=manifests, bounds=bounds)
    config = uvicorn.Config(
        app,
        http=protocol,  # type: ignore[arg-type]
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
    )
    async with served(config, listener):
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        address = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(
            base_url=address, timeout=20, limits=limits, verify=False
        ) as client:
            yield Running(port, database, vault, client, app, clock)


Serve = Callable[..., Any]


@pytest_asyncio.fixture
async def serve(database: Database, tmp_path: Path) -> AsyncIterator[Serve]:
    """`gateway = await serve(bounds=…)`: a gateway on the test's database, with no connection."""
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> Running:
            return await stack.enter_async_context(running(database, tmp_path, **options))

        yield start


@pytest_asyncio.fixture
async def hub(serve: Serve) -> Running:
    """A gateway with the connection `till/main`."""
    gateway: Running = await serve()
    await gateway.add()
    return gateway


@pytest.fixture
def sale() -> Callable[..., bytes]:
    """`sale(1, 2)`: the body of a webhook about these sales."""

    def make(*numbers: object, note: str = "") -> bytes:
        listed = ", ".join(f'"{number}"' for number in numbers)
        return f'{{"sales": [{listed}], "note": "{note}"}}'.encode()

    return make


@pytest.fixture
def stranger(hub: Running, tmp_path: Path) -> Any:
    """Somebody at the console's door (tests/gateway/visitor.py)."""
    from tests.gateway.visitor import Visitor

    return Visitor(hub, tmp_path)


@pytest_asyncio.fixture
async def visitor(stranger: Any) -> Any:
    """Somebody who is signed in to the console."""
    assert (await stranger.sign_in()).status_code == 303
    return stranger
