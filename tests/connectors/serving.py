"""Serves a vendor's sandbox on loopback, over real HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from connectors.kit.sandbox import VendorSandbox, town


@asynccontextmanager
async def served(sandbox: VendorSandbox) -> AsyncIterator[str]:
    """The sandbox's base URL (`http://127.0.0.1:port/slug`) while the context is open."""
    listener = socket.create_server(("127.0.0.1", 0))
    # asyncio sets this only on sockets made for TCP by name; without it every reply waits 40 ms
    # for the caller's delayed acknowledgement. Accepted sockets inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(town([sandbox]), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined,method-assign]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await sandbox.start()
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/{sandbox.slug}"
    finally:
        server.should_exit = True
        server.force_exit = True
        await task
        await sandbox.stop()
        listener.close()
