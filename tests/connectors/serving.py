"""Serves a vendor's sandbox on loopback, over real HTTP."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from connectors.kit.sandbox import VendorSandbox, town
from tests import serving


@asynccontextmanager
async def served(sandbox: VendorSandbox) -> AsyncIterator[str]:
    """The sandbox's base URL (`http://127.0.0.1:port/slug`) while the context is open."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = uvicorn.Config(town([sandbox]), log_level="warning", lifespan="off")
    async with serving.served(config, listener):
        await sandbox.start()
        try:
            yield f"http://127.0.0.1:{port}/{sandbox.slug}"
        finally:
            await sandbox.stop()
